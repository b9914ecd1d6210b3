import GraphIR
import TensorCore

/// `y = the greatest integer not above x` (ONNX Floor, opset 6, 13).
package struct Floor: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Floor", since: 6, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { floor(x) }

  /// 0: a step function.
  package func slope(_ x: Double) -> Double { 0 }
}
