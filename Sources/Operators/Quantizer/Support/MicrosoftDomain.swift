import GraphIR

/// onnxruntime's own domain, in which it writes quantizers of integers that older opsets of the standard don't have.
package enum MicrosoftDomain {
  package static let name = "com.microsoft"
}

/// A quantizer of the standard that onnxruntime's domain has too, with the same meaning (ContribOperators.md).
protocol MicrosoftOperator: Operator {
  var domain: String { get set }
}

extension QuantizeLinear: MicrosoftOperator {}
extension DequantizeLinear: MicrosoftOperator {}
