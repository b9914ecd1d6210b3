import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = tanh(x)` (ONNX Tanh, opset 6, 13).
public struct Tanh: UnaryElementwise {
  public static let schema = OperatorSchema(
    "Tanh", since: 6, inputs: 1...1, inputTypes: [.float])

  public func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    OutputRange(minimum: -1, maximum: 1)
  }

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public var function: ElementwiseFunction { .tanh }
}

extension Tanh: DifferentiableOperator {
  /// dX = dY (1 - y^2).
  public func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try makeUnaryTrainingKernel(context) }
}
