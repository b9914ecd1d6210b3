import Execution
import GraphIR
import TensorCore

/// Conversion to the element type of the second input (ONNX CastLike, opset 15, 19, 21).
package struct CastLike: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("CastLike", since: 15, inputs: 2...2)

  /// Whether out-of-range values of the 8-bit float targets saturate (opset 19).
  package var saturates: Bool

  package init(saturates: Bool = true) { self.saturates = saturates }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(saturates: try attributes.bool("saturate", default: true))
  }

  package func attributes() -> [Attribute] {
    saturates ? [] : [Attribute("saturate", .int(0))]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [inputs.type(1).map { TensorType($0.elementType, inputs.dimensions(0)) }]
  }
}

extension CastLike: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try cast(context).makeKernel(context)
  }

  /// That of the ``Cast``.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try cast(context.kernel).makeTrainingKernel(context) }

  private func cast(_ context: KernelContext) throws(KernelError) -> Cast {
    Cast(to: try context.input(1).elementType, saturates: saturates)
  }
}
