import TensorCore

/// The rule for QONNX `MultiThreshold`: `out_scale * (number of thresholds reached) + out_bias`.
///
/// The integers are the counts plus the bias in steps of the scale, which must be a whole number.
enum MultiThresholdRule {
  static func apply(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard let thresholds = try context.tensor(1, "the thresholds"), thresholds.rank == 2 else {
      throw .missingInput(node: context.label, index: 1)
    }
    let scale = try context.float("out_scale") ?? 1
    let bias = try context.float("out_bias") ?? 0
    guard scale.isFinite, scale != 0, (bias / scale).rounded() == bias / scale,
      (bias / scale).magnitude < 0x1p24, thresholds.shape[1] < 1 << 24
    else {
      throw .invalidParameter(
        node: context.label, parameter: "out_bias", value: "\(bias)",
        allowed: "a whole number of steps of out_scale \(scale)")
    }
    let offset = Int(bias / scale)
    let codes = CodeRange(bits: 32, signed: offset < 0)
      .clamped(from: offset, to: offset + thresholds.shape[1])
    return .grid(IntegerGrid(scale: scale, zeroPoint: 0, codes: codes))
  }
}
