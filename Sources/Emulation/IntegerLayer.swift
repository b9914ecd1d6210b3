/// The integers of a dot-product layer and the steps that they count.
///
/// Channel c computes `inputScale * scales[c] * sum over k of codes[c][k] * x[k]`, with `x` the input's integers
/// less their zero point. A bias that counts in the accumulator is one more summand there.
package struct IntegerLayer: Sendable, Hashable {
  /// channels x K, row-major, zero points subtracted; products in the order of the weight's storage.
  package let codes: [Int16]
  /// One a channel.
  package let scales: [Float]
  package let inputScale: Float
  package internal(set) var inputRange: ClosedRange<Int16>
  /// What each channel's register starts from, in steps of the accumulator; empty where no bias counts there.
  package let biases: [Int64]
  /// Whether a convolution's products go by kernel row, kernel column, then input channel, as channels-last weights
  /// are stored, rather than by input channel first.
  package let storesInputsLast: Bool

  /// A layer, or `nil` where channels, weights, scales and biases don't go together, a bias takes more than 48
  /// bits, or the input's range leaves zero out, which padding adds.
  package init?(
    codes: [Int16], scales: [Float], inputScale: Float, inputRange: ClosedRange<Int16>,
    biases: [Int64] = [], storesInputsLast: Bool = false
  ) {
    guard !scales.isEmpty, codes.count % scales.count == 0, inputScale > 0, inputScale.isFinite,
      inputRange.contains(0), biases.isEmpty || biases.count == scales.count,
      biases.allSatisfy({ $0.magnitude < 1 << 47 })
    else { return nil }
    self.biases = biases
    self.storesInputsLast = storesInputsLast
    self.codes = codes
    self.scales = scales
    self.inputScale = inputScale
    self.inputRange = inputRange
  }

  /// K.
  package var dotLength: Int { codes.count / scales.count }

  /// What a channel's register starts from.
  func bias(_ channel: Int) -> Int64 { biases.isEmpty ? 0 : biases[channel] }

  /// Whether every partial sum fits 32 bits with room for a product, in any order.
  var sumsFit32Bits: Bool {
    let reach = max(-Int(inputRange.lowerBound), Int(inputRange.upperBound))
    let length = dotLength
    return scales.indices.allSatisfy { channel in
      let row = codes[channel * length..<(channel + 1) * length]
      let products = row.reduce(0) { $0 + abs(Int($1)) } * reach
      return products + Int(bias(channel).magnitude) <= Int(Int32.max) / 2
    }
  }
}
