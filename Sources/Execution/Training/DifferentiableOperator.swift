import DNNEngine
import GraphIR
import TensorCore

/// An operator with a derivative.
///
/// Forward and backward are made together, since backward needs what forward has chosen and kept.
public protocol DifferentiableOperator: FormOperator {
  /// The kernel that trains a node, for the shapes and layouts of `context`.
  ///
  /// - Throws: ``KernelError`` where a type or combination isn't supported, or the engine refuses.
  func makeTrainingKernel(_ context: FormContext) throws(KernelError) -> any TrainingKernel
}

extension DifferentiableOperator {
  public func makeFormKernel(_ context: FormContext) throws(KernelError) -> any FormKernel {
    try makeTrainingKernel(context)
  }
}

/// What is known when the backward half of a kernel is made: later nodes' gradients have their layouts.
public struct BackwardContext {
  /// The layout in which the gradient of each output comes, `nil` where none does.
  public let gradients: [TensorLayout?]
  /// Whether the gradient of each input is wanted.
  public let wanted: [Bool]
  /// The layout in which whoever computed an input would like its gradient.
  public let preferred: [TensorLayout?]
}

/// Memory of one trained tensor, or of running statistics that training updates.
public struct ParameterMemory: @unchecked Sendable {
  public let shape: [Int]
  /// Row-major.
  public let values: UnsafeMutablePointer<Float>
  /// Row-major; `nil` for what has no gradient.
  public let gradient: UnsafeMutablePointer<Float>?

  public init(
    shape: [Int], values: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>?
  ) {
    self.shape = shape
    self.values = values
    self.gradient = gradient
  }
}
