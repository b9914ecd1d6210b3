import AccumulatorBounds

/// A dot product that is summed in tiles, as the file's annotation says; widths are repeated from there, and what the
/// registers need is derived from the file's integers, not from the budgets that chose them.
public struct TileVerdict: Sendable {
  /// The number T of products in a tile, in the order in which the file holds a channel's weights.
  public let size: Int
  /// The width Q, in bits, of the register that adds the tiles' sums and a bias that counts.
  public let outerBits: Int
  /// The extremes of the registers of each output channel.
  public let channels: [TiledWorstCase]

  /// The least signed width, in bits, that holds every partial sum of every tile.
  public var requiredBits: Int { channels.map(\.inner.requiredBits).max() ?? 1 }
  /// The least signed width, in bits, that holds every sum of tiles.
  public var outerRequiredBits: Int { channels.map(\.outer.requiredBits).max() ?? 1 }
}

/// Compares the registers of each channel, in both stages, with their widths.
enum TileCheck {
  /// The greatest number of products of two run-time operands that are divided into tiles.
  private static let lengthLimit = 1 << 24

  /// What the integers of a layer need in tiles; `nil` for a layer without integers.
  static func analyze(_ layer: LayerAnalysis, _ tiling: Tiling)
    -> TileVerdict?
  {
    if let product = layer.productRange, let length = layer.dotLength, length <= lengthLimit {
      // Any product may be in any place: a channel of ones, whose inputs are the products.
      return TiledWorstCase(
        weights: repeatElement(Int8(1), count: length), tileSize: tiling.size, input: product,
        bias: layer.biasRange(ofChannel: 0), mayMissProducts: layer.mayMissTaps
      ).map { TileVerdict(size: tiling.size, outerBits: tiling.outerBits, channels: [$0]) }
    }
    guard let reader = layer.reader, let range = layer.inputRange else { return nil }
    var channels: [TiledWorstCase] = []
    for channel in layer.channels.indices {
      guard
        let worst = TiledWorstCase(
          weights: reader.integers(ofChannel: channel), tileSize: tiling.size, input: range,
          bias: layer.biasRange(ofChannel: channel), mayMissProducts: layer.mayMissTaps)
      else { return nil }
      channels.append(worst)
    }
    return TileVerdict(size: tiling.size, outerBits: tiling.outerBits, channels: channels)
  }

  /// The violations, and the worst input of the first of them; neither where all sums fit their registers.
  static func run(_ layer: LayerAnalysis, _ tiles: TileVerdict, targetBits: Int)
    -> (findings: [Finding], counterexample: ChannelCounterexample?)
  {
    var findings: [Finding] = []
    var example: ChannelCounterexample?
    let inner = tiles.channels.map(\.inner)
    if let worst = farthest(inner, beyond: targetBits) {
      findings.append(
        .tileOverflow(
          channels: inner.count { $0.requiredBits > targetBits }, targetBits: targetBits,
          requiredBits: tiles.requiredBits))
      example = tileExample(layer, tiles, channel: worst, bits: targetBits)
    }
    let outer = tiles.channels.map(\.outer)
    if let worst = farthest(outer, beyond: tiles.outerBits) {
      findings.append(
        .outerOverflow(
          channels: outer.count { $0.requiredBits > tiles.outerBits }, outerBits: tiles.outerBits,
          requiredBits: tiles.outerRequiredBits))
      example = example ?? outerExample(layer, tiles, channel: worst)
    }
    return (findings, example)
  }

  /// The first channel with the farthest sum among those that need more than `bits`.
  private static func farthest(_ channels: [WorstCase], beyond bits: Int) -> Int? {
    channels.indices.filter { channels[$0].requiredBits > bits }.max { a, b in
      (channels[a].reach, b) < (channels[b].reach, a)
    }
  }

  private static func tileExample(
    _ layer: LayerAnalysis, _ tiles: TileVerdict, channel: Int, bits: Int
  ) -> ChannelCounterexample? {
    guard let weights = layer.integers(ofChannel: channel), let range = layer.inputRange,
      let accumulator = AccumulatorRange(bits: bits)
    else { return nil }
    let start = tiles.channels[channel].farthestTile * tiles.size
    let tile = start..<min(start + tiles.size, weights.count)
    guard
      let found = Counterexample(
        weights: weights[tile], input: range, accumulator: accumulator)
    else { return nil }
    // The inputs of the other tiles don't matter.
    var input = [Int64](
      repeating: min(max(0, range.minimum), range.maximum), count: weights.count)
    input.replaceSubrange(tile, with: found.input)
    return ChannelCounterexample(
      channel: channel, input: input,
      prefix: found.prefix.map { $0.map { start + $0 } } ?? Array(tile), bias: nil,
      tile: tiles.channels[channel].farthestTile, sum: found.sum)
  }

  /// An example in which every tile that moves the sum away from 0 is added first, and the others later.
  private static func outerExample(_ layer: LayerAnalysis, _ tiles: TileVerdict, channel: Int)
    -> ChannelCounterexample?
  {
    guard let weights = layer.integers(ofChannel: channel), let range = layer.inputRange else {
      return nil
    }
    let outer = tiles.channels[channel].outer
    let rises = outer.maximum >= -1 - outer.minimum
    // A missing product is one with an input of 0.
    let (low, high) =
      layer.mayMissTaps
      ? (min(range.minimum, 0), max(range.maximum, 0)) : (range.minimum, range.maximum)
    let input = weights.map { ($0 > 0) == rises ? high : low }
    var prefix: [Int] = []
    for start in stride(from: 0, to: weights.count, by: tiles.size) {
      let tile = start..<min(start + tiles.size, weights.count)
      let sum = tile.reduce(Int128(0)) { $0 + Int128(weights[$1]) * Int128(input[$1]) }
      if (sum > 0) == rises { prefix += tile }
    }
    let bounds = layer.biasRange(ofChannel: channel)
    let bias = rises ? bounds.upperBound : bounds.lowerBound
    return ChannelCounterexample(
      channel: channel, input: input, prefix: prefix.count == weights.count ? nil : prefix,
      bias: layer.bias == nil ? nil : (bias > 0) == rises ? bias : 0, tile: nil,
      sum: rises ? outer.maximum : outer.minimum)
  }
}

extension WorstCase {
  /// How far the worst partial sum lies from zero; a negative sum has room for one unit more.
  var reach: Int128 { max(maximum, -1 - minimum) }
}

extension LayerAnalysis {
  /// The range of the integers that are multiplied with a weight.
  var inputRange: IntegerRange? {
    input.flatMap { IntegerRange(Int64($0.integerMinimum), Int64($0.integerMaximum)) }
  }
}
