import DNNEngine
import Execution
import GraphIR
import Quantizers
import TensorCore

/// The weight of a layer on its integer grid while it is trained: y = q(v, d, t) s, with s = 2^d.
///
/// Made for training, never read from a file. Inputs: ``operands``, in that order. The output is held as floats and as
/// integers. Gradients are the quantizer's own.
package struct FakeQuantizedWeight: Operator {
  package static let schema = OperatorSchema(
    domain: "snug.training", "FakeQuantizedWeight", inputs: 2...5, inputTypes: [.float])

  /// An input.
  package enum Operand: Sendable, Hashable {
    /// v, in the layer's layout.
    case weight
    /// d, one a channel.
    case log2Scale
    /// t, one a channel, where the method has a norm parameter.
    case log2Norm
    /// c of ``FakeQuantizedBias``, where the layer's bias counts in its accumulator: the budgets follow it, and it gets
    /// no gradient from here.
    case bias
    /// p of ``FakeQuantizedBias``, beside c.
    case inputStatistic

    var isTrained: Bool { self != .bias && self != .inputStatistic }
  }

  /// A quantizer, equal to itself alone.
  package final class Reference: Sendable, Hashable {
    package let quantizer: any WeightQuantizer

    package init(_ quantizer: any WeightQuantizer) { self.quantizer = quantizer }

    package static func == (a: Reference, b: Reference) -> Bool { a === b }
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
  }

  package let reference: Reference
  package let layout: WeightLayout
  /// `nil` where no bias counts in the accumulator.
  package let biasStep: AccumulatorStep?

  /// - Precondition: the quantizer's layer has the channels and the dot length of `layout`.
  package init(
    _ quantizer: any WeightQuantizer, layout: WeightLayout, biasStep: AccumulatorStep? = nil
  ) {
    precondition(
      quantizer.layer.channels == layout.channelCount && quantizer.layer.length == layout.dotLength,
      "the quantizer of another layer")
    reference = Reference(quantizer)
    self.layout = layout
    self.biasStep = biasStep
  }

  /// The inputs in the order in which a node has them.
  package var operands: [Operand] {
    [.weight, .log2Scale] + (reference.quantizer.usesNorm ? [.log2Norm] : [])
      + (biasStep == nil ? [] : [.bias, .inputStatistic])
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [inputs.type(0)]
  }
}

extension FakeQuantizedWeight: DifferentiableOperator {
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try WeightKernel(self, context) }
}

/// The kernel of a ``FakeQuantizedWeight``.
private final class WeightKernel: TrainingKernel {
  let label = "weight quantizer"
  let inputs: [FormRequest?]
  let outputs: [OutputForm]
  private let quantizer: any WeightQuantizer
  private let layout: WeightLayout
  /// Weights, values and gradients as channels x K, where the tensor has another order.
  private let rows: Rows?
  private let biasStep: AccumulatorStep?
  /// Biases in steps of the input.
  private var biases: [Float]
  /// Inputs that get gradients.
  private let trained: [Int]
  private let normPosition: Int?
  private let biasPosition: Int?
  private let statisticPosition: Int?

  init(_ op: FakeQuantizedWeight, _ context: FormContext) throws(KernelError) {
    quantizer = op.reference.quantizer
    layout = op.layout
    biasStep = op.biasStep
    let operands = op.operands
    trained = operands.indices.filter { operands[$0].isTrained }
    normPosition = operands.firstIndex(of: .log2Norm)
    biasPosition = operands.firstIndex(of: .bias)
    statisticPosition = operands.firstIndex(of: .inputStatistic)
    biases = [Float](repeating: 0, count: biasStep == nil ? 0 : layout.channelCount)
    inputs = context.inputs.map { _ in .rowMajor }
    let shape = try context.input(0).value.shape
    let codes = try KernelError.engine(try MemoryDescriptor(rowMajor: shape, .int8))
    outputs = [
      OutputForm(
        floats: .rowMajor,
        integers: IntegerForm(
          layout: codes, element: .int8, scaleCount: layout.channelCount, channelAxis: 0))
    ]
    rows = layout.isChannelMajor ? nil : Rows(count: quantizer.layer.count)
  }

  private func withParameters<Result, Failure: Error>(
    _ operands: Operands, _ body: (ParameterView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let channels = quantizer.layer.channels
    let norm = normPosition.flatMap { operands.inputs[$0] }
    if let biasStep, let biasPosition, let statisticPosition {
      let c = operands.input(biasPosition, as: Float.self)
      let p = operands.input(statisticPosition, as: Float.self)[0]
      let step = biasStep.value(log2Statistic: p)
      for channel in biases.indices { biases[channel] = c[channel] / step }
    }
    return try biases.withUnsafeBufferPointer { (biases) throws(Failure) in
      try body(
        ParameterView(
          log2Scale: UnsafeBufferPointer(
            start: operands.input(1, as: Float.self), count: channels),
          log2Norm: UnsafeBufferPointer(
            start: norm.map { UnsafePointer($0.assumingMemoryBound(to: Float.self)) },
            count: norm == nil ? 0 : channels),
          biases: biases))
    }
  }

  private func weights(_ operands: Operands) -> UnsafeBufferPointer<Float> {
    let source = operands.input(0, as: Float.self)
    guard let rows else { return UnsafeBufferPointer(start: source, count: quantizer.layer.count) }
    layout.copy(source, to: rows.weights, scatters: false)
    return UnsafeBufferPointer(start: rows.weights, count: quantizer.layer.count)
  }

  func forward(_ operands: Operands) throws(KernelError) {
    let count = quantizer.layer.count
    let values = operands.output(0, as: Float.self)
    let codes = operands.output(1, as: Int8.self)
    let buffers = QuantizedBuffers(
      codes: UnsafeMutableBufferPointer(start: rows?.codes ?? codes, count: count),
      values: UnsafeMutableBufferPointer(start: rows?.values ?? values, count: count),
      scales: UnsafeMutableBufferPointer(
        start: operands.output(2, as: Float.self), count: quantizer.layer.channels))
    do {
      let weights = weights(operands)
      try withParameters(operands) { (parameters) throws(QuantizerError) in
        _ = try quantizer.forward(weights, parameters, into: buffers)
      }
    } catch { throw .quantizer(error) }
    if let rows {
      layout.copy(rows.codes, to: codes, scatters: true)
      layout.copy(rows.values, to: values, scatters: true)
    }
  }

  func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward] {
    let inputs = self.inputs.indices
    var operands = inputs.map { Backward.Operand.input($0, .rowMajor) }
    operands.append(.gradient(0, .rowMajor))
    let results = trained.map { Backward.Result(input: $0, layout: .rowMajor) }
    return [
      Backward("weight quantizer", operands: operands, results: results) { operands in
        self.backward(operands, gradient: inputs.count)
      }
    ]
  }

  private func backward(_ operands: Operands, gradient: Int) {
    let (count, channels) = (quantizer.layer.count, quantizer.layer.channels)
    let upstream = operands.input(gradient, as: Float.self)
    let target = operands.output(0, as: Float.self)
    if let rows { layout.copy(upstream, to: rows.values, scatters: false) }
    // Results stand in the order of the trained inputs, which come first.
    let norm = normPosition.flatMap { operands.outputs[$0] }
    let gradients = GradientBuffers(
      weights: UnsafeMutableBufferPointer(start: rows?.gradients ?? target, count: count),
      log2Scale: UnsafeMutableBufferPointer(
        start: operands.output(1, as: Float.self), count: channels),
      log2Norm: UnsafeMutableBufferPointer(
        start: norm?.assumingMemoryBound(to: Float.self), count: norm == nil ? 0 : channels))
    let weights = weights(operands)
    withParameters(operands) { parameters in
      quantizer.backward(
        weights, parameters,
        upstream: UnsafeBufferPointer(
          start: rows.map { UnsafePointer($0.values) } ?? upstream, count: count),
        into: gradients)
    }
    if let rows { layout.copy(rows.gradients, to: target, scatters: true) }
  }

  /// Scratch memory in the order of channels.
  private final class Rows {
    private let buffers:
      (
        weights: ScratchBuffer<Float>, values: ScratchBuffer<Float>,
        gradients: ScratchBuffer<Float>,
        codes: ScratchBuffer<Int8>
      )
    var weights: UnsafeMutablePointer<Float> { buffers.weights.pointer }
    var values: UnsafeMutablePointer<Float> { buffers.values.pointer }
    var gradients: UnsafeMutablePointer<Float> { buffers.gradients.pointer }
    var codes: UnsafeMutablePointer<Int8> { buffers.codes.pointer }

    init(count: Int) {
      buffers = (
        ScratchBuffer(uninitializedCount: count), ScratchBuffer(uninitializedCount: count),
        ScratchBuffer(uninitializedCount: count), ScratchBuffer(uninitializedCount: count)
      )
    }
  }
}
