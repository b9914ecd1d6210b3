/// The rule for QONNX `Trunc` of version 2: integers that lose low bits, `clip(x / s + z, lo, hi)` in steps `s` of
/// the output scale, with zero point `z` and the limits `lo` and `hi` of the output type.
///
/// Version 1 is refused: it has no output scale and clips nothing, so that its range depends on the data.
enum TruncRule {
  static func apply(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard let zeroTensor = try context.tensor(2, "the zero point"),
      let scaleTensor = try context.tensor(4, "the output scale"),
      let bitsTensor = try context.tensor(5, "the output bit width")
    else { throw .missingInput(node: context.label, index: context.node.inputs.count) }
    guard let scale = context.uniform(try context.scales(scaleTensor)) else {
      throw .inputScalePerChannel(node: context.label)
    }
    guard context.uniform(try context.wholeNumbers(zeroTensor, "the zero point")) == 0 else {
      throw .invalidParameter(
        node: context.label, parameter: "the zero point", value: "not 0", allowed: "0")
    }
    let widths = try context.wholeNumbers(bitsTensor, "the output bit width")
    guard let bits = context.uniform(widths), (1...24).contains(bits) else {
      throw .invalidParameter(
        node: context.label, parameter: "the output bit width", value: "\(widths[0])",
        allowed: "one whole number from 1 to 24")
    }
    let signed = try context.int("signed", default: 1) != 0
    let narrow = try context.int("narrow", default: 0) != 0
    let codes = CodeRange(bits: bits, signed: signed, narrow: narrow)
    return .grid(IntegerGrid(scale: scale, zeroPoint: 0, codes: codes))
  }
}
