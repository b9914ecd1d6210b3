import GraphIR

/// The domains in which exporters have written the operators of QONNX.
enum QonnxDomain {
  static let current = "qonnx.custom_op.general"
  /// All mean the same.
  static let all = [current, "onnx.brevitas", "finn.custom_op.general"]
}

/// A quantizer of QONNX that keeps the domain under which it was read.
protocol QonnxOperator: Operator {
  var domain: String { get set }
}
