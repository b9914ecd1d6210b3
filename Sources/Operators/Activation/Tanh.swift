import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = tanh(x)` (ONNX Tanh, opset 6, 13).
package struct Tanh: UnaryElementwise {
  package static let schema = OperatorSchema(
    "Tanh", since: 6, inputs: 1...1, inputTypes: [.float])

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    OutputRange(minimum: -1, maximum: 1)
  }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package var function: ElementwiseFunction { .tanh }
}

extension Tanh: DifferentiableOperator {
  /// dX = dY (1 - y^2).
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try makeUnaryTrainingKernel(context) }
}
