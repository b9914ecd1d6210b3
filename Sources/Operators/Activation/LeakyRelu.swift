import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = x` where `x >= 0`, otherwise `alpha * x` (ONNX LeakyRelu, opset 6, 16).
public struct LeakyRelu: UnaryElementwise {
  public static let schema = OperatorSchema(
    "LeakyRelu", since: 6, inputs: 1...1, inputTypes: [.float])

  public func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  public var isHomogeneous: Bool { true }

  public var alpha: Float

  public init(alpha: Float = 0.01) { self.alpha = alpha }

  public init(attributes: AttributeReader) throws(OperatorError) {
    self.init(alpha: try attributes.float("alpha", default: 0.01))
  }

  public func attributes() -> [Attribute] { [Attribute("alpha", .float(alpha))] }

  public var function: ElementwiseFunction { .relu(slope: alpha) }
}

extension LeakyRelu: DifferentiableOperator {
  /// dX = dY where x > 0, else alpha dY.
  public func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try makeUnaryTrainingKernel(context) }
}

extension LeakyRelu: FusibleOperator {
  public var rectifier: RectifierForm? { .leaky(slope: alpha) }
}
