import GraphIR
import TensorCore

/// `y = the nearest integer, of two the even one` (ONNX Round, opset 11, 22).
package struct Round: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Round", since: 11, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { x.rounded(.toNearestOrEven) }

  /// 0: a step function.
  package func slope(_ x: Double) -> Double { 0 }
}
