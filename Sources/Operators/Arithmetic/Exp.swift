import DNNEngine
import GraphIR
import TensorCore

/// `y = e ^ x` (ONNX Exp, opset 6, 13).
package struct Exp: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Exp", since: 6, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { true }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { exp(x) }

  /// e^x.
  package func slope(_ x: Double) -> Double { exp(x) }

  package var function: ElementwiseFunction? { .exponential }
}
