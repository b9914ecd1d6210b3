import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = x` where `x >= 0`, otherwise `alpha * x` (ONNX LeakyRelu, opset 6, 16).
package struct LeakyRelu: UnaryElementwise, AlphaAttribute {
  package static let schema = OperatorSchema(
    "LeakyRelu", since: 6, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var isHomogeneous: Bool { true }

  package var alpha: Float

  static let defaultAlpha: Float = 0.01

  package init(alpha: Float = 0.01) { self.alpha = alpha }

  package var function: ElementwiseFunction { .relu(slope: alpha) }
}

extension LeakyRelu: DifferentiableOperator {
  /// dX = dY where x > 0, else alpha dY.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try makeUnaryTrainingKernel(context) }
}

extension LeakyRelu: FusibleOperator {
  package var rectifier: RectifierForm? { .leaky(slope: alpha) }
}
