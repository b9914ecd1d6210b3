import GraphIR

/// The domains in which exporters have written the operators of QONNX.
enum QonnxDomain {
  static let current = "qonnx.custom_op.general"
  /// All mean the same.
  static let all = [current, "onnx.brevitas", "finn.custom_op.general"]
}

/// An operator that takes floats to floats of a grid, which is what the file says of its integers: never
/// folded away.
public protocol GridQuantizer: Operator {}

/// A QONNX operator that keeps the domain under which it was read.
protocol QonnxOperator: GridQuantizer {
  var domain: String { get set }
}
