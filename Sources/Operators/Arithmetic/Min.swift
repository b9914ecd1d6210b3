import GraphIR
import TensorCore

/// `Y = the smallest of the inputs, element by element`, with multidirectional broadcasting (ONNX Min, opset
/// 6, 8, 12, 13).
package struct Min: VariadicElementwise {
  package static let schema = OperatorSchema(
    "Min", since: 6, inputs: 1...Int.max, inputTypes: [.numeric])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.all }

  package static let joining = Joining.minimum

  package init() {}
}
