import GraphIR
import TensorCore

/// Whether x is an infinity, of those signs that are detected (ONNX IsInf, opset 10, 20).
package struct IsInf: ElementPredicate {
  package static let schema = OperatorSchema(
    "IsInf", since: 10, inputs: 1...1, inputTypes: [.float])

  package var detectsNegative: Bool
  package var detectsPositive: Bool

  package init(detectsNegative: Bool = true, detectsPositive: Bool = true) {
    self.detectsNegative = detectsNegative
    self.detectsPositive = detectsPositive
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      detectsNegative: try attributes.bool("detect_negative", default: true),
      detectsPositive: try attributes.bool("detect_positive", default: true))
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("detect_negative", .int(detectsNegative ? 1 : 0)),
      Attribute("detect_positive", .int(detectsPositive ? 1 : 0)),
    ]
  }

  package func holds(_ x: Double) -> Bool {
    x == .infinity && detectsPositive || x == -.infinity && detectsNegative
  }
}
