import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The maximum over all spatial positions, which stay as dimensions of 1 (ONNX GlobalMaxPool, opset 1, 22).
public struct GlobalMaxPool: SerializableOperator, ExecutableOperator {
  public static let schema = OperatorSchema(
    "GlobalMaxPool", since: 1, inputs: 1...1, inputTypes: [.float])

  public func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  public var isHomogeneous: Bool { true }

  public var movement: ElementMovement? { ElementMovement(.selected) }

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try inputs.pooledGlobally()]
  }
}

extension GlobalMaxPool: DifferentiableOperator {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try PoolingKernels.global(context, .maximum)
  }

  /// dX is dY at the maximum of a channel, the first among equals.
  public func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try PoolingTraining.global(context, .maximum) }
}
