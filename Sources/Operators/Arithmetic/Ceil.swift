import GraphIR
import TensorCore

/// `y = the least integer not below x` (ONNX Ceil, opset 6, 13).
package struct Ceil: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Ceil", since: 6, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { ceil(x) }

  /// 0: a step function.
  package func slope(_ x: Double) -> Double { 0 }
}
