import Execution
import GraphIR
import TensorCore

/// `y = x / (bias + alpha / size * s) ^ beta`, with s the sum of squares over `size` neighbouring channels (ONNX
/// LRN, opset 1, 13).
///
/// The neighbours of channel c are `c - floor((size - 1) / 2)` to `c + ceil((size - 1) / 2)`. Input `[N, C, ...]`.
package struct LRN: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "LRN", since: 1, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var size: Int
  package var alpha: Float
  package var beta: Float
  package var bias: Float

  package init(size: Int, alpha: Float = 1e-4, beta: Float = 0.75, bias: Float = 1) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let size = try attributes.int("size") else { throw .missingAttribute(name: "size") }
    guard (1...Dimensions.limit).contains(size) else {
      throw .attributeValue(name: "size", value: "\(size)", allowed: "1 or more")
    }
    self.init(
      size: size, alpha: try attributes.float("alpha", default: 1e-4),
      beta: try attributes.float("beta", default: 0.75),
      bias: try attributes.float("bias", default: 1))
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("size", .int(Int64(size))), Attribute("alpha", .float(alpha)),
      Attribute("beta", .float(beta)), Attribute("bias", .float(bias)),
    ]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    _ = try inputs.requireRank(0, atLeast: 2)
    return [inputs.type(0)]
  }
}

extension LRN: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let lines = try lines(context)
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: Float.self)
      let y = operands.output(as: Float.self)
      lines.forEachRange(sharing: x, y) { range, x, y in
        for line in range {
          let start = lines.start(line)
          let bases = bases(lines, x + start)
          for i in 0..<lines.length {
            let place = start + i * lines.stride
            y[place] = Float(Double(x[place]) * pow(bases[i], -Double(beta)))
          }
        }
      }
    }
  }

  private func lines(_ context: KernelContext) throws(KernelError) -> AxisLines {
    AxisLines(try context.floatInput(0).shape, axis: 1)
  }

  /// The channels whose squares enter the sum of one.
  private func neighbours(_ channel: Int, count: Int) -> Range<Int> {
    max(0, channel - (size - 1) / 2)..<min(count, channel + size / 2 + 1)
  }

  /// What each channel of a line is divided by a power of.
  private func bases(_ lines: AxisLines, _ x: UnsafePointer<Float>) -> [Double] {
    (0..<lines.length).map { channel in
      var sum = 0.0
      for i in neighbours(channel, count: lines.length) {
        let value = Double(x[i * lines.stride])
        sum += value * value
      }
      return Double(bias) + Double(alpha) / Double(size) * sum
    }
  }

  /// With b the base: dX_i = dY_i b_i^-beta - 2 alpha beta / size x_i sum(dY_j x_j b_j^(-beta - 1)) over the
  /// channels j that i is a neighbour of.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let lines = try lines(context.kernel)
    return InferredTrainingKernel.rowMajor("normalization", kernel) { part in
      lines.forEachRange { range in
        for line in range {
          let start = lines.start(line)
          let bases = bases(lines, part.x + start)
          var sums = [Double](repeating: 0, count: lines.length)
          for j in 0..<lines.length {
            let place = start + j * lines.stride
            let term =
              Double(part.dy[place]) * Double(part.x[place]) * pow(bases[j], -Double(beta) - 1)
            for i in neighbours(j, count: lines.length) { sums[i] += term }
          }
          let factor = 2 * Double(alpha) * Double(beta) / Double(size)
          for i in 0..<lines.length {
            let place = start + i * lines.stride
            part.dx[place] = Float(
              Double(part.dy[place]) * pow(bases[i], -Double(beta)) - factor * Double(part.x[place])
                * sums[i]
            )
          }
        }
      }
    }
  }
}
