/// The integers that a quantized run-time value can hold, and what they stand for.
///
/// Each element of the value is `scale * q` with an integer `q` in `minimum...maximum`; the zero point
/// is already subtracted from `q`, so a real zero is the integer 0.
struct IntegerGrid: Sendable, Hashable {
  /// `nil` where the integers themselves are the value's meaning, as in the input of `ConvInteger`.
  var scale: Float?
  var zeroPoint: Int
  var minimum: Int
  var maximum: Int
  /// The range of the data type alone, zero point subtracted, before operators such as ReLU narrow it.
  var typeRange: ClosedRange<Int>
  var bits: Int
  var signed: Bool

  /// The grid over codes of a data type.
  init(scale: Float?, zeroPoint: Int, codes: CodeRange) {
    self.scale = scale
    self.zeroPoint = zeroPoint
    minimum = codes.minimum - zeroPoint
    maximum = codes.maximum - zeroPoint
    typeRange = minimum...maximum
    bits = codes.bits
    signed = codes.signed
  }

  /// The same values with an element that may also be a real zero.
  var includingZero: IntegerGrid {
    var result = self
    result.minimum = min(minimum, 0)
    result.maximum = max(maximum, 0)
    return result
  }

  /// Values taken from either of two grids, or `nil` where a step of one is not a step of the other.
  func union(_ other: IntegerGrid) -> IntegerGrid? {
    guard scale == other.scale else { return nil }
    var result = self
    result.minimum = min(minimum, other.minimum)
    result.maximum = max(maximum, other.maximum)
    result.typeRange =
      min(
        typeRange.lowerBound, other.typeRange.lowerBound)...max(
        typeRange.upperBound, other.typeRange.upperBound)
    result.bits = max(bits, other.bits)
    result.signed = signed || other.signed
    return result
  }
}

/// The codes of an integer tensor that is computed at run time, zero point not subtracted.
struct CodeRange: Sendable, Hashable {
  var minimum: Int
  var maximum: Int
  var bits: Int
  var signed: Bool

  /// - Parameter bits: at most 32.
  init(bits: Int, signed: Bool, narrow: Bool = false) {
    self.bits = bits
    self.signed = signed
    minimum = signed ? -(1 << (bits - 1)) + (narrow ? 1 : 0) : 0
    maximum = signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1 - (narrow ? 1 : 0)
  }

  /// The codes that survive a clip, in the fewest bits that hold them; `nil` where none does.
  func clipped(to limits: ClosedRange<Int>) -> CodeRange? {
    var result = self
    result.minimum = max(minimum, limits.lowerBound)
    result.maximum = min(maximum, limits.upperBound)
    guard result.minimum <= result.maximum else { return nil }
    if result == self { return self }
    result.signed = result.minimum < 0
    result.bits =
      (1...bits).first { width in
        let full = CodeRange(bits: width, signed: result.signed)
        return full.minimum <= result.minimum && result.maximum <= full.maximum
      } ?? bits
    return result
  }
}
