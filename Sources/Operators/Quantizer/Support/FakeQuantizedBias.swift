import DNNEngine
import Execution
import GraphIR
import Quantizers
import TensorCore

/// The bias of a layer on the grid of its accumulator while it is trained: y = b s x-step, with b the integer
/// of ``BiasFormat``.
///
/// Made for training, never read from a file. Inputs: c of any shape with one number a channel, d of the layer's
/// weight quantizer, p of its input's quantizer. The gradient passes straight through the rounding to c where b
/// isn't cut off; none goes to d and p, whose own quantizers decide them.
package struct FakeQuantizedBias: Operator {
  package static let schema = OperatorSchema(
    domain: "snug.training", "FakeQuantizedBias", inputs: 3...3, inputTypes: [.float])

  package let reference: FakeQuantizedWeight.Reference
  package let step: AccumulatorStep

  package init(_ reference: FakeQuantizedWeight.Reference, step: AccumulatorStep) {
    self.reference = reference
    self.step = step
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [inputs.type(0)]
  }
}

/// What a step of a layer's accumulator is worth at a weight scale of 1.
package struct AccumulatorStep: Sendable, Hashable {
  /// Of the layer's input.
  package let input: ActivationFormat
  /// What the layer multiplies its sums with.
  package let factor: Float

  package init(input: ActivationFormat, factor: Float) {
    self.input = input
    self.factor = factor
  }

  /// - Parameter log2Statistic: p of the input's quantizer.
  package func value(log2Statistic: Float) -> Float {
    input.scale(log2Statistic: log2Statistic) * factor
  }
}

extension FakeQuantizedBias: DifferentiableOperator {
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { BiasKernel(self) }
}

/// The kernel of a ``FakeQuantizedBias``.
private final class BiasKernel: TrainingKernel {
  let label = "bias quantizer"
  let inputs: [FormRequest?] = [.rowMajor, .rowMajor, .rowMajor]
  let outputs = [OutputForm(floats: .rowMajor)]
  private let op: FakeQuantizedBias

  init(_ op: FakeQuantizedBias) { self.op = op }

  private var quantizer: any WeightQuantizer { op.reference.quantizer }

  /// Calls `body` for each channel with its bias, the value of one step, and the integer.
  private func forEachChannel(
    _ operands: Operands, _ body: (_ channel: Int, _ bias: Float, _ step: Float, Int64) -> Void
  ) {
    let (c, d) = (operands.input(0, as: Float.self), operands.input(1, as: Float.self))
    let unit = op.step.value(log2Statistic: operands.input(2, as: Float.self)[0])
    for channel in 0..<quantizer.layer.channels {
      let scale = quantizer.scale(d[channel])
      let integer = quantizer.layer.integer(
        ofBias: c[channel] / unit, channel, scale: scale)
      body(channel, c[channel], scale * unit, integer)
    }
  }

  func forward(_ operands: Operands) throws(KernelError) {
    let y = operands.output(0, as: Float.self)
    forEachChannel(operands) { channel, _, step, integer in y[channel] = Float(integer) * step }
  }

  func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward] {
    [
      Backward(
        "bias quantizer",
        operands: (0..<3).map { .input($0, .rowMajor) } + [.gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let upstream = operands.input(3, as: Float.self)
        let gradient = operands.output(0, as: Float.self)
        self.forEachChannel(operands) { channel, bias, step, integer in
          let rounding = (bias / step - Float(integer)).magnitude
          // Half a step, and what single precision adds to it where the integer is large.
          let passes = rounding <= 0.5 + Float(integer.magnitude) * 0x1p-21
          gradient[channel] = passes ? upstream[channel] : 0
        }
      }
    ]
  }
}
