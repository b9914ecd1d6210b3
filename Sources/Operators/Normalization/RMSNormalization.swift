import Execution
import GraphIR
import TensorCore

/// `Y = Scale * X / sqrt(mean(X^2) + epsilon)`, with the mean over all axes from `axis` on (ONNX RMSNormalization,
/// opset 23).
///
/// Scale has the shape of those axes.
package struct RMSNormalization: TrailingNormalization {
  package static let schema = OperatorSchema(
    "RMSNormalization", since: 23, inputs: 2...2, inputTypes: [.float])

  package var axis: Int
  package var epsilon: Float
  package var stashType: Int

  package init(axis: Int = -1, epsilon: Float = 1e-5, stashType: Int = 1) {
    self.axis = axis
    self.epsilon = epsilon
    self.stashType = stashType
  }

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.all }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0), let dimensions = type.dimensions else {
      return [inputs.type(0)]
    }
    let axis = try Axes.normalized(axis, rank: dimensions.count)
    if let shape = type.shape, let given = inputs.type(1)?.shape {
      let rows = shape[axis...]
      guard given.drop(while: { $0 == 1 }).elementsEqual(rows.drop { $0 == 1 }) else {
        throw .mismatch(what: "shape of scale", expected: "\(Array(rows))", actual: "\(given)")
      }
    }
    return [type]
  }
}

extension RMSNormalization: DifferentiableOperator {
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
      epsilon: Double(epsilon), centres: false)
  }
}
