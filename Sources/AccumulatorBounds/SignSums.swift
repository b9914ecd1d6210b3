/// The integer weights of one channel, summed by sign, on which alone a worst case depends.
public struct SignSums: Sendable, Hashable {
  /// The sum S+ of the positive weights.
  public var positive: Int64
  /// The sum S- of the negative weights' magnitudes.
  public var negative: Int64

  /// - Precondition: neither sum is negative.
  public init(positive: Int64, negative: Int64) {
    precondition(positive >= 0 && negative >= 0, "sign sums are magnitudes")
    self.positive = positive
    self.negative = negative
  }

  /// The sums of `weights`; `nil` where one exceeds 64 bits.
  @inlinable
  public init?<Weights: Collection>(_ weights: Weights)
  where Weights.Element: FixedWidthInteger & SignedInteger {
    let sums = weights.withContiguousStorageIfAvailable { Self.sum($0) } ?? Self.sum(weights)
    guard let sums else { return nil }
    self = sums
  }

  @inlinable
  static func sum<Weights: Collection>(_ weights: Weights) -> SignSums?
  where Weights.Element: FixedWidthInteger & SignedInteger {
    var positive: Int64 = 0
    var negative: Int64 = 0
    if Weights.Element.bitWidth <= 16 { return sumNarrow(weights) }
    // 2^31 weights of 32 bits each sum to less than 2^63.
    if Weights.Element.bitWidth <= 32, weights.count <= 1 << 31 {
      for weight in weights {
        let value = Int64(truncatingIfNeeded: weight)
        positive &+= max(value, 0)
        negative &+= max(0 &- value, 0)
      }
      return SignSums(positive: positive, negative: negative)
    }
    for weight in weights {
      guard let value = Int64(exactly: weight) else { return nil }
      let overflow: Bool
      if value >= 0 {
        (positive, overflow) = positive.addingReportingOverflow(value)
      } else {
        // -2^63 has no 64-bit magnitude, so the sum is reached by subtraction.
        (negative, overflow) = negative.subtractingReportingOverflow(value)
      }
      if overflow { return nil }
    }
    return SignSums(positive: positive, negative: negative)
  }

  /// The sums of weights of at most 16 bits each, in 32-bit parts, of which CPUs add many at a time.
  @inlinable
  static func sumNarrow<Weights: Collection>(_ weights: Weights) -> SignSums
  where Weights.Element: FixedWidthInteger & SignedInteger {
    var sums = (positive: Int64(0), negative: Int64(0))
    var rest = weights[...]
    while !rest.isEmpty {
      var part = (positive: Int32(0), negative: Int32(0))
      // 2^15 weights of 2^15 each sum to 2^30.
      for weight in rest.prefix(1 << 15) {
        let value = Int32(truncatingIfNeeded: weight)
        part.positive &+= max(value, 0)
        part.negative &+= max(0 &- value, 0)
      }
      sums.positive += Int64(part.positive)
      sums.negative += Int64(part.negative)
      rest = rest.dropFirst(1 << 15)
    }
    return SignSums(positive: sums.positive, negative: sums.negative)
  }

  /// The l1 norm of the weights.
  public var norm: UInt64 { UInt64(positive) + UInt64(negative) }

  /// The sums of two sets of weights together; `nil` where one exceeds 64 bits.
  public func adding(_ other: SignSums) -> SignSums? {
    let (positive, a) = positive.addingReportingOverflow(other.positive)
    let (negative, b) = negative.addingReportingOverflow(other.negative)
    return a || b ? nil : SignSums(positive: positive, negative: negative)
  }
}
