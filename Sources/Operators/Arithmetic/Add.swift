import DNNEngine
import GraphIR
import TensorCore

/// `C = A + B`, with multidirectional broadcasting (ONNX Add, opset 7, 13, 14).
public struct Add: BinaryElementwise {
  public static let schema = OperatorSchema("Add", inputs: 2...2, inputTypes: [.numeric])

  public var elementwise: ElementwiseForm? { .sum }

  public static let function = BinaryFunction.add

  public init() {}
}

extension Add: DifferentiableOperator {
  /// dA = dB = dY, summed over the axes along which an operand was repeated.
  public func makeTrainingKernel(_ context: TrainingContext) throws(KernelError)
    -> any TrainingKernel
  {
    let (a, b) = (try context.kernel.floatInput(0), try context.kernel.floatInput(1))
    guard a.shape == b.shape else { return try BinaryGradients(.add, context).kernel() }
    return try ChainKernel(PointwiseChain(addsSecond: true, yieldsValues: true), context)
  }
}

extension Add: DimensionArithmetic {
  public func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    inputs.combined(neutral: 0, isCommutative: true) { $0.addingReportingOverflow($1) }
  }
}
