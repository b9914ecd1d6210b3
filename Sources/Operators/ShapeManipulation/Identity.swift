import Execution
import GraphIR
import TensorCore

/// `y = x` (ONNX Identity, opset 1, 13, 14, 16 to 25).
package struct Identity: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("Identity", since: 1, inputs: 1...1)

  package var isHomogeneous: Bool { true }

  package var elementwise: ElementwiseForm? { .unary }

  package var movement: ElementMovement? { ElementMovement(.kept) }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }
}

extension Identity: DifferentiableOperator {
  package func infer(_ inputs: [InputInfo?]) -> [TensorType?] { [inputs.type(0)] }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let layout = try context.input(0).layout
    return ViewKernel(context, first: .layout(layout), output: layout)
  }

  /// dX = dY.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { InferredTrainingKernel.identity(try makeKernel(context.kernel)) }
}

extension Identity: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? { inputs.elements(0) }
}
