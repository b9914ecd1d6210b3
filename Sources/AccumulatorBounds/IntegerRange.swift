/// A closed interval of integers, such as the values of one input of a dot product.
package struct IntegerRange: Sendable, Hashable {
  package let minimum: Int64
  package let maximum: Int64

  /// The interval from `minimum` to `maximum`; `nil` where it would be empty.
  package init?(_ minimum: Int64, _ maximum: Int64) {
    guard minimum <= maximum else { return nil }
    self.minimum = minimum
    self.maximum = maximum
  }

  /// All integers of a data type (``IntegerType``); `nil` where they don't fit in 64 bits.
  ///
  /// - Parameters:
  ///   - bits: the width, 1 to 64 if signed and 1 to 63 if unsigned.
  ///   - narrow: whether the least signed (or the greatest unsigned) value is left out, as QONNX defines it.
  package init?(bits: Int, signed: Bool, narrow: Bool = false) {
    guard IntegerType.widths(signed: signed).contains(bits) else { return nil }
    self = IntegerType(bits: bits, signed: signed, narrow: narrow).range
  }

  package init(_ range: ClosedRange<Int>) {
    (minimum, maximum) = (Int64(range.lowerBound), Int64(range.upperBound))
  }

  /// The values less a zero point, as an integer operator subtracts it; `nil` beyond 64 bits.
  package func subtracting(zeroPoint: Int64) -> IntegerRange? {
    let (minimum, under) = minimum.subtractingReportingOverflow(zeroPoint)
    let (maximum, over) = maximum.subtractingReportingOverflow(zeroPoint)
    return under || over ? nil : IntegerRange(minimum, maximum)
  }

  package func contains(_ value: Int64) -> Bool { minimum <= value && value <= maximum }
}

/// The range of a signed two's complement accumulator of P bits: -2^(P-1) to 2^(P-1) - 1.
public struct AccumulatorRange: Sendable, Hashable {
  /// The width P, 1 to 64.
  public let bits: Int

  /// The range of a width; `nil` unless `bits` is 1 to 64.
  public init?(bits: Int) {
    guard (1...64).contains(bits) else { return nil }
    self.bits = bits
  }

  public var minimum: Int64 { Int64.min >> (64 - bits) }
  public var maximum: Int64 { Int64.max >> (64 - bits) }

  public func contains(_ value: Int128) -> Bool {
    Int128(minimum) <= value && value <= Int128(maximum)
  }
}
