import TensorCore

/// The rule for QONNX `Quant` (`IntQuant` in later releases) with scale `s`, zero point `z` and bit width `b`, in
/// float32: `y = (round(clip(x / s + z, lo, hi)) - z) * s`.
///
/// For signed codes `lo = -2^(b-1)`, one more where narrow, and `hi = 2^(b-1) - 1`; for unsigned ones `lo = 0` and
/// `hi = 2^b - 1`, one less where narrow. One signed bit means -1 and 1.
enum QuantRule {
  static func apply(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard let scaleTensor = try context.tensor(1, "the scale"),
      let zeroTensor = try context.tensor(2, "the zero point"),
      let bitsTensor = try context.tensor(3, "the bit width")
    else { throw .missingInput(node: context.label, index: context.node.inputs.count) }
    let scales = try context.scales(scaleTensor)
    let zeroPoints = try context.wholeNumbers(zeroTensor, "the zero point")
    let widths = try context.wholeNumbers(bitsTensor, "the bit width")
    // With up to 24 bits single precision holds every code, and every code less the zero point. A constant's codes
    // are computed in single precision, so that those of a bias may have more.
    var isConstant = false
    if case .constant(let constant) = try context.fact(0) { isConstant = constant.codes == nil }
    let isWide = isConstant && zeroPoints.allSatisfy { $0 == 0 }
    let widest = isWide ? 32 : 24
    guard let bits = context.uniform(widths), (1...widest).contains(bits) else {
      throw .invalidParameter(
        node: context.label, parameter: "the bit width", value: "\(widths[0])",
        allowed: "one whole number from 1 to \(widest)")
    }
    let modeName = try context.string("rounding_mode", default: "ROUND")
    guard let mode = RoundingMode(attribute: modeName) else {
      throw .invalidParameter(
        node: context.label, parameter: "rounding_mode", value: modeName,
        allowed: "ROUND, CEIL, FLOOR, UP, DOWN, HALF_UP, HALF_DOWN")
    }
    // With 24 bits the addition of a half rounds the greatest code up to the next integer.
    if bits > 23, mode == .halfAway {
      throw .invalidParameter(
        node: context.label, parameter: "the bit width", value: "\(bits)",
        allowed: "at most 23 with rounding_mode HALF_UP")
    }
    if let wrong = zeroPoints.first(where: { $0.magnitude > 1 << 23 }) {
      throw .invalidParameter(
        node: context.label, parameter: "the zero point", value: "\(wrong)",
        allowed: "whole numbers of at most 2^23")
    }
    let signed = try context.flag("signed")
    let narrow = try context.flag("narrow")
    let isBipolar = bits == 1 && signed
    let codes =
      isBipolar
      ? CodeRange.bipolar : CodeRange(bits: bits, signed: signed, narrow: narrow)

    if case .constant(let constant) = try context.fact(0), constant.codes == nil {
      try context.requireSinglePrecision(scaleTensor, "the scale")
      if zeroPoints.contains(where: { $0 != 0 }) {
        try context.requireSinglePrecision(zeroTensor, "the zero point")
      }
      guard
        let scale = Parameter(scales, shape: scaleTensor.shape, broadcastTo: constant.shape),
        let zeroPoint = Parameter(
          zeroPoints, shape: zeroTensor.shape, broadcastTo: constant.shape)
      else {
        throw .shape(
          node: context.label, what: "the scale's or zero point's shape",
          expected: "one that broadcasts to \(constant.shape)",
          actual: "\(scaleTensor.shape), \(zeroTensor.shape)")
      }
      let quantizer = ElementQuantizer(
        formula: isBipolar ? .bipolar : .quant(mode), scale: scale, zeroPoint: zeroPoint,
        lower: codes.minimum, upper: codes.maximum)
      return .constant(
        constant.quantized(by: quantizer, to: codes, narrow: narrow)
          .dequantized(scale: scale, zeroPoint: zeroPoint))
    }
    guard let scale = context.uniform(scales), let zeroPoint = context.uniform(zeroPoints) else {
      throw .inputScalePerChannel(node: context.label)
    }
    return .grid(IntegerGrid(scale: scale, zeroPoint: zeroPoint, codes: codes))
  }
}

/// The rule for QONNX `BipolarQuant` with scale `s`: `s` where `x >= 0`, `-s` elsewhere.
enum BipolarQuantRule {
  static func apply(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard let scaleTensor = try context.tensor(1, "the scale") else {
      throw .missingInput(node: context.label, index: 1)
    }
    let scales = try context.scales(scaleTensor)
    if case .constant(let constant) = try context.fact(0), constant.codes == nil {
      try context.requireSinglePrecision(scaleTensor, "the scale")
      guard let scale = Parameter(scales, shape: scaleTensor.shape, broadcastTo: constant.shape)
      else {
        throw .shape(
          node: context.label, what: "the scale's shape",
          expected: "one that broadcasts to \(constant.shape)", actual: "\(scaleTensor.shape)")
      }
      // The sign is taken of the element itself, so the step of the comparison is 1.
      let quantizer = ElementQuantizer(
        formula: .bipolar, scale: Parameter(1, rank: constant.shape.count), zeroPoint: nil,
        lower: -1, upper: 1)
      return .constant(
        constant.quantized(by: quantizer, to: .bipolar).dequantized(scale: scale, zeroPoint: nil))
    }
    guard let scale = context.uniform(scales) else {
      throw .inputScalePerChannel(node: context.label)
    }
    return .grid(IntegerGrid(scale: scale, zeroPoint: 0, codes: .bipolar))
  }
}

extension CodeRange {
  /// The codes -1 and 1.
  static let bipolar: CodeRange = {
    var codes = CodeRange(bits: 1, signed: true)
    codes.minimum = -1
    codes.maximum = 1
    return codes
  }()
}
