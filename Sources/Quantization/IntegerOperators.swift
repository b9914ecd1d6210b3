import GraphIR

/// Operators that only a quantized model has.
///
/// `DequantizeLinear` is not among them: exporters also use it to store constant weights in few bits, which
/// constant folding undoes.
enum IntegerOperators {
  private static let types: Set<String> = [
    "Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold", "QuantizeLinear",
    "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "QLinearAdd", "QGemm", "ConvInteger",
    "MatMulInteger",
  ]

  static func contains(_ op: any Operator) -> Bool { types.contains(op.type) }
}
