import AccumulatorBounds

/// An input that drives one channel's accumulator out of its range.
public struct ChannelCounterexample: Sendable, Hashable {
  /// The output channel.
  public let channel: Int
  /// K integers within the input's range, in the order of the weight's dot axes.
  public let input: [Int64]
  /// The products to add first where the overflow happens on the way; `nil` where the whole sum overflows.
  public let prefix: [Int]?
  /// The layer's bias as far as it is part of the sum; `nil` where no bias counts in the accumulator.
  public let bias: Int64?
  /// The tile whose register overflows; `nil` where there are none, or the register that adds them does.
  public let tile: Int?
  /// The value that the accumulator would have to hold: bias and products.
  public let sum: Int128
}

/// Compares each channel's exact worst case with the accumulator.
enum OverflowCheck {
  /// The violation and the worst input of the channel that needs the widest accumulator; `nil` where all fit.
  static func run(_ layer: LayerAnalysis, targetBits: Int)
    -> (finding: Finding, counterexample: ChannelCounterexample?)?
  {
    guard let required = layer.requiredBits, required > targetBits else { return nil }
    let failing = layer.channels.indices.filter { layer.channels[$0].requiredBits > targetBits }
    let finding = Finding.overflow(
      channels: max(failing.count, 1), targetBits: targetBits, requiredBits: required)
    // The one with the farthest sum; the first of equals, so that reports don't vary.
    let worst = failing.max { a, b in
      (layer.channels[a].worstCase.reach, b) < (layer.channels[b].worstCase.reach, a)
    }
    guard let worst, let reader = layer.reader, let range = layer.inputRange,
      let accumulator = AccumulatorRange(bits: targetBits),
      let example = Counterexample(
        weights: reader.integers(ofChannel: worst), input: range,
        bias: layer.biasRange(ofChannel: worst), accumulator: accumulator)
    else { return (finding, nil) }
    return (
      finding,
      ChannelCounterexample(
        channel: worst, input: example.input, prefix: example.prefix,
        bias: layer.bias == nil ? nil : example.bias, tile: nil, sum: example.sum)
    )
  }
}
