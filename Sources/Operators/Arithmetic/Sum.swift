import GraphIR
import TensorCore

/// `Y = the sum of the inputs, element by element`, with multidirectional broadcasting (ONNX Sum, opset
/// 6, 8, 13).
package struct Sum: VariadicElementwise {
  package static let schema = OperatorSchema(
    "Sum", since: 6, inputs: 1...Int.max, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.all }

  package static let joining = Joining.sum

  package init() {}
}
