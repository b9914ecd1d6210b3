import GraphIR
import TensorCore

/// `Y = the largest of the inputs, element by element`, with multidirectional broadcasting (ONNX Max, opset
/// 6, 8, 12, 13).
package struct Max: VariadicElementwise {
  package static let schema = OperatorSchema(
    "Max", since: 6, inputs: 1...Int.max, inputTypes: [.numeric])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.any }

  package static let joining = Joining.maximum

  package init() {}
}
