import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `C = A / B`, with multidirectional broadcasting (ONNX Div, opset 7, 13, 14).
package struct Div: BinaryElementwise {
  package static let schema = OperatorSchema("Div", inputs: 2...2, inputTypes: [.numeric])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.all }

  package static let function = BinaryFunction.divide

  package init() {}
}

extension Div: DifferentiableOperator {
  /// dA = dY / B and dB = -dY A / B^2, summed over the axes along which an operand was repeated.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try BinaryGradients(.divide, context).kernel() }
}

extension Div: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    inputs.combined(neutral: 1) { $0.dividedReportingOverflow(by: $1) }
  }
}
