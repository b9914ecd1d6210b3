import Execution
import GraphIR
import TensorCore

/// `y = x` (ONNX Identity, opset 1, 13, 14, 16 to 25).
public struct Identity: SerializableOperator, ExecutableOperator {
  public static let schema = OperatorSchema("Identity", since: 1, inputs: 1...1)

  public var isHomogeneous: Bool { true }

  public var elementwise: ElementwiseForm? { .unary }

  public var movement: ElementMovement? { ElementMovement(.kept) }

  public init() {}
  public init(attributes: AttributeReader) { self.init() }
}

extension Identity: DifferentiableOperator {
  public func infer(_ inputs: [InputInfo?]) -> [TensorType?] { [inputs.type(0)] }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let layout = try context.input(0).layout
    return ViewKernel(context, first: .layout(layout), output: layout)
  }

  /// dX = dY.
  public func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { InferredTrainingKernel.identity(try makeKernel(context.kernel)) }
}

extension Identity: DimensionArithmetic {
  public func elements(_ inputs: [InputInfo?]) -> [Dimension]? { inputs.elements(0) }
}
