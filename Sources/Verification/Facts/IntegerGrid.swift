/// The integers that a quantized run-time value can hold, and the real numbers that they represent.
///
/// Each element of the value is `scale * q` with an integer `q` in `minimum...maximum`; the zero point
/// is already subtracted from `q`, so a real zero is the integer 0.
struct IntegerGrid: Sendable, Hashable {
  /// The step of the grid; `nil` where the integers themselves are the value, as in the input of `ConvInteger`.
  var scale: Float?
  var zeroPoint: Int
  var minimum: Int
  var maximum: Int
  /// The range of the data type alone, less the zero point, before operators such as ReLU narrow it.
  var typeRange: ClosedRange<Int>
  var bits: Int
  var signed: Bool
  /// Whether every code has the zero point ``zeroPoint``; if not, the integers are differences of any of both.
  var hasOneZeroPoint = true
  /// Whether the codes are of a signed type, which a clip to positive codes leaves them.
  var typeSigned: Bool

  /// The grid of the codes of a data type.
  init(scale: Float?, zeroPoint: Int, codes: CodeRange) {
    self.scale = scale
    self.zeroPoint = zeroPoint
    minimum = codes.minimum - zeroPoint
    maximum = codes.maximum - zeroPoint
    typeRange = minimum...maximum
    bits = codes.bits
    signed = codes.signed
    typeSigned = codes.fullType.lowerBound < 0
  }

  /// The grid with zero as a further possible value.
  var includingZero: IntegerGrid {
    var result = self
    result.minimum = min(minimum, 0)
    result.maximum = max(maximum, 0)
    return result
  }

  /// The grid of values taken from either of two grids; `nil` where their steps differ.
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
    result.hasOneZeroPoint =
      hasOneZeroPoint && other.hasOneZeroPoint && zeroPoint == other.zeroPoint
      && typeSigned == other.typeSigned
    return result
  }
}

/// The codes of an integer tensor that is computed at run time, from which no zero point is subtracted.
///
/// It computes the limits of data types itself, though `AccumulatorBounds` has `IntegerType` for what produces files: with
/// that, one mistake would be in the integers of a file and in its certificate alike.
struct CodeRange: Sendable, Hashable {
  var minimum: Int
  var maximum: Int
  /// The fewest bits that hold the codes, with ``signed``.
  var bits: Int
  var signed: Bool
  /// The width and sign of the tensor's data type.
  private var typeBits: Int
  private var typeSigned: Bool

  /// All codes of a data type.
  ///
  /// - Parameter bits: the width, at most 33.
  init(bits: Int, signed: Bool, narrow: Bool = false) {
    self.bits = bits
    self.signed = signed
    (typeBits, typeSigned) = (bits, signed)
    minimum = signed ? -(1 << (bits - 1)) + (narrow ? 1 : 0) : 0
    maximum = signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1 - (narrow ? 1 : 0)
  }

  /// All codes of the data type.
  var fullType: ClosedRange<Int> {
    let full = CodeRange(bits: typeBits, signed: typeSigned)
    return full.minimum...full.maximum
  }

  /// The codes after a clip to limits, either of which may be `nil`, in the fewest bits that hold them.
  func clamped(from low: Int?, to high: Int?) -> CodeRange {
    func clamp(_ code: Int) -> Int { min(max(code, low ?? Int.min), high ?? Int.max) }
    return narrowed(clamp(minimum), clamp(maximum))
  }

  /// The range of codes taken from either of two ranges.
  func union(_ other: CodeRange) -> CodeRange {
    narrowed(min(minimum, other.minimum), max(maximum, other.maximum))
  }

  /// The range of the codes and one more of the same data type.
  func including(_ code: Int) -> CodeRange { narrowed(min(minimum, code), max(maximum, code)) }

  /// The range of arithmetic results in this range's data type: all of the type where they may exceed it.
  func fitted(_ least: Int128, _ greatest: Int128) -> CodeRange {
    let full = CodeRange(bits: typeBits, signed: typeSigned)
    guard least >= Int128(full.minimum), greatest <= Int128(full.maximum) else { return full }
    return full.narrowed(Int(least), Int(greatest))
  }

  /// A range of other codes of the same data type, in the fewest bits that hold them.
  private func narrowed(_ least: Int, _ greatest: Int) -> CodeRange {
    var result = self
    (result.minimum, result.maximum) = (least, greatest)
    if result == self { return self }
    result.signed = least < 0
    result.bits =
      (1...33).first { width in
        let full = CodeRange(bits: width, signed: result.signed)
        return full.minimum <= least && greatest <= full.maximum
      } ?? bits
    return result
  }
}
