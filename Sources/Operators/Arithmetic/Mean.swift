import GraphIR
import TensorCore

/// `Y = the mean of the inputs, element by element`, with multidirectional broadcasting (ONNX Mean, opset
/// 6, 8, 13).
package struct Mean: VariadicElementwise {
  package static let schema = OperatorSchema(
    "Mean", since: 6, inputs: 1...Int.max, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.all }

  package static let joining = Joining.mean

  package init() {}
}
