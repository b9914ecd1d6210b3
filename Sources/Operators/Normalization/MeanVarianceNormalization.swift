import Execution
import GraphIR
import TensorCore

/// `y = (x - mean) / (sqrt(variance) + 1e-9)`, with the statistics over some axes (ONNX
/// MeanVarianceNormalization, opset 9, 13).
package struct MeanVarianceNormalization: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "MeanVarianceNormalization", since: 9, inputs: 1...1, inputTypes: [.float])

  package var normalizes: Bool { true }

  package var axes: [Int]

  package init(axes: [Int] = [0, 2, 3]) { self.axes = axes }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(axes: try attributes.ints("axes") ?? [0, 2, 3])
  }

  package func attributes() -> [Attribute] { [Attribute("axes", .ints(axes.map(Int64.init)))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    if let rank = inputs.dimensions(0)?.count { _ = try Axes.normalized(axes, rank: rank) }
    return [inputs.type(0)]
  }
}

extension MeanVarianceNormalization: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let grid = try grid(context)
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: Float.self)
      let y = operands.output(as: Float.self)
      grid.forEachRange(sharing: x, y) { range, x, y in
        for group in range {
          let (mean, deviation) = Self.statistics(grid, group, x)
          grid.forEach(in: group) {
            y[$0] = Float((Double(x[$0]) - mean) / (deviation + Self.epsilon))
          }
        }
      }
    }
  }

  private static let epsilon = 1e-9

  private func grid(_ context: KernelContext) throws(KernelError) -> ReductionGrid {
    let shape = try context.floatInput(0).shape
    return try KernelError.operation(
      ReductionGrid(shape, reduced: try Axes.normalized(axes, rank: shape.count)))
  }

  /// Mean and standard deviation of a group.
  private static func statistics(_ grid: ReductionGrid, _ group: Int, _ x: UnsafePointer<Float>)
    -> (mean: Double, deviation: Double)
  {
    var sum = 0.0
    grid.forEach(in: group) { sum += Double(x[$0]) }
    let mean = sum / Double(grid.length)
    var squares = 0.0
    grid.forEach(in: group) {
      let difference = Double(x[$0]) - mean
      squares += difference * difference
    }
    return (mean, (squares / Double(grid.length)).squareRoot())
  }

  /// With s the standard deviation, e = 1e-9 and c = x - mean over n elements:
  /// dX = (dY - mean(dY)) / (s + e) - c sum(dY c) / (n s (s + e)^2).
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let grid = try grid(context.kernel)
    return InferredTrainingKernel.rowMajor("normalization", kernel) { part in
      grid.forEachRange { range in
        for group in range {
          let (mean, deviation) = Self.statistics(grid, group, part.x)
          let divisor = deviation + Self.epsilon
          var (sum, product) = (0.0, 0.0)
          grid.forEach(in: group) {
            sum += Double(part.dy[$0])
            product += Double(part.dy[$0]) * (Double(part.x[$0]) - mean)
          }
          let n = Double(grid.length)
          let factor = deviation > 0 ? product / (n * deviation * divisor * divisor) : 0
          grid.forEach(in: group) {
            let centred = Double(part.x[$0]) - mean
            part.dx[$0] = Float((Double(part.dy[$0]) - sum / n) / divisor - centred * factor)
          }
        }
      }
    }
  }
}
