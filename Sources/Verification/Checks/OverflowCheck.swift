import AccumulatorBounds

/// An input that drives one channel's accumulator out of its range.
public struct ChannelCounterexample: Sendable, Hashable {
  /// The output channel.
  public let channel: Int
  /// The integers that meet the channel's weights, within the input's range and in the order of the weight's dot
  /// axes.
  public let input: [Int64]
  /// The indices of the products to add first, where the overflow occurs in between; `nil` where the whole sum
  /// overflows.
  public let prefix: [Int]?
  /// The part of the layer's bias that is in the sum; `nil` where no bias counts in the accumulator.
  public let bias: Int64?
  /// The tile whose register overflows; `nil` where there are no tiles, or where the register that adds them
  /// overflows.
  public let tile: Int?
  /// What ``input`` holds, and ``sum`` is of: integers less zero points, or codes as the register of a tile takes them.
  public let operands: RegisterOperands
  /// The value that the accumulator would have to hold: the sum of the bias and the products.
  public let sum: Int128

  init(
    channel: Int, input: [Int64], prefix: [Int]?, bias: Int64?, tile: Int?,
    operands: RegisterOperands = .values, sum: Int128
  ) {
    self.channel = channel
    self.input = input
    self.prefix = prefix
    self.bias = bias
    self.tile = tile
    self.operands = operands
    self.sum = sum
  }
}

/// Compares each channel's exact worst case with the accumulator.
enum OverflowCheck {
  /// The violation, with the worst input of the channel whose sum reaches farthest; `nil` where all sums fit.
  static func run(_ layer: LayerAnalysis, targetBits: Int)
    -> (finding: Finding, counterexample: ChannelCounterexample?)?
  {
    guard let required = layer.requiredBits, required > targetBits else { return nil }
    let failing = layer.channels.indices.filter { layer.channels[$0].requiredBits > targetBits }
    let finding = Finding.overflow(
      channels: max(failing.count, 1), targetBits: targetBits, requiredBits: required)
    // The first of those with the farthest sum, so that reports are the same every time.
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
