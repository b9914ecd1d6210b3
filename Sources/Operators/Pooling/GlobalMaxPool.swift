import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The maximum over all spatial positions, which stay as dimensions of 1 (ONNX GlobalMaxPool, opset 1, 22).
package struct GlobalMaxPool: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "GlobalMaxPool", since: 1, inputs: 1...1, inputTypes: [.float])

  package var pooling: PoolingForm? { PoolingForm(.maximum, coversImage: true) }

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var isHomogeneous: Bool { true }

  package var movement: ElementMovement? { ElementMovement(.selected) }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try inputs.pooledGlobally()]
  }
}

extension GlobalMaxPool: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try PoolingKernels.global(context, .maximum)
  }

  /// dX is dY at the maximum of a channel, the first among equals.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try PoolingTraining.global(context, .maximum) }
}
