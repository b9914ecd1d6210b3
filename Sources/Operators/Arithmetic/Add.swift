import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `C = A + B`, with multidirectional broadcasting (ONNX Add, opset 7, 13, 14).
package struct Add: BinaryElementwise {
  package static let schema = OperatorSchema("Add", inputs: 2...2, inputTypes: [.numeric])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.all }

  package var elementwise: ElementwiseForm? { .sum }

  package static let function = BinaryFunction.add

  package init() {}
}

extension Add: DifferentiableOperator {
  /// dA = dB = dY, summed over the axes along which an operand was repeated.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let (a, b) = (try context.kernel.floatInput(0), try context.kernel.floatInput(1))
    guard a.shape == b.shape else { return try BinaryGradients(.add, context).kernel() }
    return try ChainKernel(PointwiseChain([.sum, .values]), context)
  }
}

extension Add: FusibleOperator {
  /// Loops over two floats of one shape have an epilogue.
  package func absorption(_ inputs: [ConcreteType?]) -> Absorption {
    guard case let (a?, b?) = (inputs[0], inputs[1]), a.elementType == .float32, a == b else {
      return []
    }
    return .rectifier
  }
}

extension Add: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    inputs.combined(neutral: 0, isCommutative: true) { $0.addingReportingOverflow($1) }
  }
}
