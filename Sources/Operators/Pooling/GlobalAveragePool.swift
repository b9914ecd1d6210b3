import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The mean over all spatial positions, which stay as dimensions of 1 (ONNX GlobalAveragePool, opset 1,
/// 22).
package struct GlobalAveragePool: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "GlobalAveragePool", since: 1, inputs: 1...1, inputTypes: [.float])

  package var pooling: PoolingForm? { PoolingForm(.average, coversImage: true) }

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var isHomogeneous: Bool { true }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try inputs.pooledGlobally()]
  }
}

extension GlobalAveragePool: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try PoolingKernels.global(context)
  }

  /// dX = dY / n at each of the n positions of a channel.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try PoolingTraining.global(context) }
}
