import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = x ^ 0.5` (ONNX Sqrt, opset 6, 13).
package struct Sqrt: UnaryElementwise {
  package static let schema = OperatorSchema(
    "Sqrt", since: 6, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { true }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package var function: ElementwiseFunction { .squareRoot }
}

extension Sqrt: DifferentiableOperator {
  /// dX = dY / (2 y).
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try makeUnaryTrainingKernel(context) }
}
