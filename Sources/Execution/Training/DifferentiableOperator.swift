import DNNEngine
import GraphIR
import TensorCore

/// An operator with a derivative.
///
/// Forward and backward are made together, since backward needs what forward has chosen and kept.
package protocol DifferentiableOperator: FormOperator {
  /// The kernel that trains a node, for the shapes and layouts of `context`.
  ///
  /// - Throws: ``KernelError`` where a type or combination isn't supported, or the engine refuses.
  func makeTrainingKernel(_ context: FormContext) throws(KernelError) -> any TrainingKernel
}

extension DifferentiableOperator {
  package func makeFormKernel(_ context: FormContext) throws(KernelError) -> any FormKernel {
    try makeTrainingKernel(context)
  }
}

/// What is known when the backward half of a kernel is made: later nodes' gradients have their layouts.
package struct BackwardContext {
  /// The layout in which the gradient of each output comes, `nil` where none does.
  package let gradients: [TensorLayout?]
  /// Whether the gradient of each input is wanted.
  package let wanted: [Bool]
  /// The layout in which whoever computed an input would like its gradient.
  package let preferred: [TensorLayout?]
}

/// Memory of one trained tensor, or of running statistics that training updates.
package struct ParameterMemory: @unchecked Sendable {
  package let shape: [Int]
  /// Row-major.
  package let values: UnsafeMutablePointer<Float>
  /// Row-major; `nil` for what has no gradient.
  package let gradient: UnsafeMutablePointer<Float>?

  package init(
    shape: [Int], values: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>?
  ) {
    self.shape = shape
    self.values = values
    self.gradient = gradient
  }
}
