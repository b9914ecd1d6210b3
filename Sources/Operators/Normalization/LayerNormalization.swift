import Execution
import GraphIR
import TensorCore

/// `Y = Scale * (X - mean) / sqrt(variance + epsilon) + B`, with the statistics of all axes from `axis` on (ONNX
/// LayerNormalization, opset 17).
///
/// Scale and the optional B have the shape of those axes. The optional outputs are mean and inverse standard
/// deviation, with those axes as 1.
package struct LayerNormalization: TrailingNormalization {
  package static let schema = OperatorSchema(
    "LayerNormalization", since: 17, inputs: 2...3, outputs: 1...3, inputTypes: [.float])

  package var axis: Int
  package var epsilon: Float
  package var stashType: Int

  package init(axis: Int = -1, epsilon: Float = 1e-5, stashType: Int = 1) {
    self.axis = axis
    self.epsilon = epsilon
    self.stashType = stashType
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0), let dimensions = type.dimensions else {
      return [inputs.type(0), TensorType(.float32, nil), TensorType(.float32, nil)]
    }
    let axis = try Axes.normalized(axis, rank: dimensions.count)
    if let shape = type.shape {
      for (index, name) in [(1, "Scale"), (2, "B")] {
        guard let given = inputs.type(index)?.shape else { continue }
        let rows = shape[axis...]
        guard given.drop(while: { $0 == 1 }).elementsEqual(rows.drop { $0 == 1 }) else {
          throw .mismatch(what: "shape of \(name)", expected: "\(Array(rows))", actual: "\(given)")
        }
      }
    }
    let statistics = TensorType(
      .float32, dimensions[..<axis] + [Dimension](repeating: 1, count: dimensions.count - axis))
    return [type, statistics, statistics]
  }
}

extension LayerNormalization: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try rows(context).kernel(context)
  }

  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try rows(context.kernel).trainingKernel(context) }

  private func rows(_ context: KernelContext) throws(KernelError) -> RowNormalization {
    let shape = try context.input(0).shape
    let axis = try context.normalized(axis, rank: shape.count)
    return RowNormalization(
      rows: shape[..<axis].reduce(1, *), length: shape[axis...].reduce(1, *), period: 1, step: 1,
      epsilon: Double(epsilon))
  }
}
