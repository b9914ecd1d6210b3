import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `C = A - B`, with multidirectional broadcasting (ONNX Sub, opset 7, 13, 14).
package struct Sub: BinaryElementwise {
  package static let schema = OperatorSchema("Sub", inputs: 2...2, inputTypes: [.numeric])

  package static let function = BinaryFunction.subtract

  package init() {}
}

extension Sub: DifferentiableOperator {
  /// dA = dY and dB = -dY, summed over the axes along which an operand was repeated.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try BinaryGradients(.subtract, context).kernel() }
}

extension Sub: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    inputs.combined(neutral: 0) { $0.subtractingReportingOverflow($1) }
  }
}
