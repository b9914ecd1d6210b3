import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = max(x, 0)` (ONNX Relu, opset 6, 13, 14).
package struct Relu: UnaryElementwise {
  package static let schema = OperatorSchema(
    "Relu", since: 6, inputs: 1...1, inputTypes: [.numeric])

  package var isHomogeneous: Bool { true }

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    .nonNegative
  }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package var function: ElementwiseFunction { .relu(slope: 0) }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    guard try context.input(0).elementType.isInteger else {
      return try UnaryKernels.make(function, context)
    }
    return try integerKernel(try context.number(0), context)
  }

  private func integerKernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    try map(T.self, T.self, context) { max($0, .zero) }
  }
}

extension Relu: DifferentiableOperator {
  /// dX = dY where x > 0, else 0.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try ChainKernel(PointwiseChain([.rectifier, .values]), context) }
}

extension Relu: FusibleOperator {
  package var rectifier: RectifierForm? { .plain }
}
