import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = 1 / (1 + exp(-x))` (ONNX Sigmoid, opset 6, 13).
package struct Sigmoid: UnaryElementwise {
  package static let schema = OperatorSchema(
    "Sigmoid", since: 6, inputs: 1...1, inputTypes: [.float])

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    OutputRange(minimum: 0, maximum: 1)
  }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package var function: ElementwiseFunction { .sigmoid }
}

extension Sigmoid: DifferentiableOperator {
  /// dX = dY y (1 - y).
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try makeUnaryTrainingKernel(context) }
}
