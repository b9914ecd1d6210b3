import GraphIR
import TensorCore

/// `y = the natural logarithm of x` (ONNX Log, opset 6, 13).
package struct Log: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Log", since: 6, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { log(x) }

  /// 1 / x.
  package func slope(_ x: Double) -> Double { 1 / x }
}
