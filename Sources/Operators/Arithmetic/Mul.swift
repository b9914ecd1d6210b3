import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `C = A * B`, with multidirectional broadcasting (ONNX Mul, opset 7, 13, 14).
package struct Mul: BinaryElementwise {
  package static let schema = OperatorSchema("Mul", inputs: 2...2, inputTypes: [.numeric])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool {
    operands.all || operands.count == 2 && operands.areOneValue
  }

  package static let function = BinaryFunction.multiply

  package init() {}
}

extension Mul: DifferentiableOperator {
  /// dA = dY B and dB = dY A, summed over the axes along which an operand was repeated.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try BinaryGradients(.multiply, context).kernel() }
}

extension Mul: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    inputs.combined(neutral: 1, isCommutative: true) { $0.multipliedReportingOverflow(by: $1) }
  }
}
