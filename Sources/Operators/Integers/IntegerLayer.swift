/// The integers of a dot-product layer and the steps that they count.
///
/// Channel c computes `inputScale * scales[c] * sum over k of codes[c][k] * x[k]`, with `x` the input's integers
/// less their zero point.
public struct IntegerLayer: Sendable, Hashable {
  /// channels x K, row-major, zero points subtracted; products in the order of the weight's storage.
  public let codes: [Int16]
  /// One a channel.
  public let scales: [Float]
  public let inputScale: Float
  public let inputRange: ClosedRange<Int16>

  /// A layer, or `nil` where channels, weights and scales don't go together, or the input's range leaves zero
  /// out, which padding adds.
  public init?(
    codes: [Int16], scales: [Float], inputScale: Float, inputRange: ClosedRange<Int16>
  ) {
    guard !scales.isEmpty, codes.count % scales.count == 0, inputScale > 0, inputScale.isFinite,
      inputRange.contains(0)
    else { return nil }
    self.codes = codes
    self.scales = scales
    self.inputScale = inputScale
    self.inputRange = inputRange
  }

  /// K.
  public var dotLength: Int { codes.count / scales.count }

  /// Whether every partial sum fits 32 bits with room for a product, in any order.
  var sumsFit32Bits: Bool {
    let reach = max(-Int(inputRange.lowerBound), Int(inputRange.upperBound))
    let length = dotLength
    guard length > 0 else { return true }
    return stride(from: 0, to: codes.count, by: length).allSatisfy { start in
      codes[start..<start + length].reduce(0) { $0 + abs(Int($1)) } * reach <= Int(Int32.max) / 2
    }
  }
}
