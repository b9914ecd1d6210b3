import AccumulatorBounds

/// A dot product that is summed in tiles, as the file's annotation or the caller says; what the registers need is derived
/// from the file's integers, not from the budgets that chose them.
public struct TileVerdict: Sendable {
  /// Which products make a tile, and the register behind the tiles.
  public let tiling: Tiling
  /// The extremes of the registers of each output channel; the index of the tile is one of ``runs``.
  public let channels: [TiledWorstCase]
  /// The positions of the products of each tile, in the order in which the file holds a channel's weights; empty where
  /// a tile is any so many products.
  package let runs: [[Int]]
  let operands: TileOperands?

  /// The number T of products in a tile.
  public var size: Int { tiling.size }
  /// The width Q, in bits, of the register that adds the tiles' sums and a bias that counts.
  public var outerBits: Int { tiling.outerBits }

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
  ///
  /// - Throws: ``Finding`` where the tiles' products aren't known.
  static func analyze(_ layer: LayerAnalysis, _ tiling: Tiling) throws(Finding) -> TileVerdict? {
    guard layer.isQuantized else { return nil }
    if let product = layer.productRange {
      guard tiling.operands == .values else {
        throw .unknownProducts(
          "both operands are activations, and how their bytes meet in the registers isn't known")
      }
      guard let length = layer.dotLength, length <= lengthLimit,
        // Any product may be in any place: a channel of ones, whose inputs are the products.
        let worst = TiledWorstCase(
          weights: repeatElement(Int8(1), count: length), tileSize: tiling.size, input: product,
          bias: layer.biasRange(ofChannel: 0), mayMissProducts: layer.mayMissTaps)
      else { throw .tilesWithoutWeights }
      return TileVerdict(tiling: tiling, channels: [worst], runs: [], operands: nil)
    }
    guard let reader = layer.reader, let range = layer.inputRange, let kernel = layer.kernel else {
      throw .tilesWithoutWeights
    }
    let operands = try TileOperands(layer, tiling.operands)
    let isAny = tiling.orders.contains(.any)
    var orders = isAny ? [] : TileProducts.orders(tiling, kernel)
    if operands.areExchanged, !isAny {
      orders += TileProducts.orders(tiling, kernel, as: [.stored])
    }
    var channels: [TiledWorstCase] = []
    for channel in layer.channels.indices {
      let weights = reader.integers(ofChannel: channel)
      let bias = layer.biasRange(ofChannel: channel)
      let multiplied = operands.weights(weights, ofChannel: channel)
      var worst: TiledWorstCase?
      if isAny {
        worst = TileProducts.farthest(
          tiling.size, of: multiplied, input: operands.input)
      }
      var start = 0
      for runs in orders {
        guard
          var one = TiledWorstCase(
            weights: multiplied, runs: runs, input: operands.input, bias: bias,
            mayMissProducts: layer.mayMissTaps)
        else { throw .tilesWithoutWeights }
        one.farthestTile += start
        start += runs.count
        worst = worst.map { $0.union(one) } ?? one
      }
      guard var worst else { throw .tilesWithoutWeights }
      if !operands.areUsed {
        worst.inner = WorstCase(of: SignSums(positive: 0, negative: 0), input: range)
      }
      if isAny || tiling.operands != .values {
        // The outer register ends with the sum of the inputs less their zero points; which sums it holds before depends
        // on what is added first, so that every subset counts.
        worst.outer = WorstCase(of: layer.channels[channel].sums, input: range, bias: bias)
      }
      channels.append(worst)
    }
    return TileVerdict(
      tiling: tiling, channels: channels, runs: orders.flatMap { $0 }, operands: operands)
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
    guard let values = layer.integers(ofChannel: channel), let operands = tiles.operands,
      let accumulator = AccumulatorRange(bits: bits)
    else { return nil }
    let weights = operands.weights(values, ofChannel: channel)
    let number = tiles.channels[channel].farthestTile
    let isAny = tiles.tiling.orders.contains(.any)
    let tile =
      isAny
      ? TileProducts.farthestProducts(
        tiles.size, of: weights, input: operands.input, beyond: accumulator) : tiles.runs[number]
    guard
      let found = Counterexample(
        weights: tile.map { weights[$0] }, input: operands.input, accumulator: accumulator)
    else { return nil }
    // The inputs of the other tiles don't matter.
    var input = [Int64](
      repeating: min(max(0, operands.input.minimum), operands.input.maximum), count: weights.count)
    for (place, position) in tile.enumerated() { input[position] = found.input[place] }
    return ChannelCounterexample(
      channel: channel, input: input,
      prefix: (found.prefix.map { $0.map { tile[$0] } } ?? tile).sorted(), bias: nil,
      tile: number, operands: tiles.tiling.operands, sum: found.sum)
  }

  /// An example in which every tile that moves the sum away from 0 is added first, and the others later.
  private static func outerExample(_ layer: LayerAnalysis, _ tiles: TileVerdict, channel: Int)
    -> ChannelCounterexample?
  {
    guard let weights = layer.integers(ofChannel: channel), let range = layer.inputRange else {
      return nil
    }
    let outer = tiles.channels[channel].outer
    let bounds = layer.biasRange(ofChannel: channel)
    if tiles.runs.isEmpty || tiles.tiling.operands != .values {
      guard let register = AccumulatorRange(bits: min(tiles.outerBits, 64)),
        let found = Counterexample(
          weights: weights, input: range, bias: bounds, accumulator: register)
      else { return nil }
      return ChannelCounterexample(
        channel: channel, input: found.input, prefix: found.prefix,
        bias: layer.bias == nil ? nil : found.bias, tile: nil, sum: found.sum)
    }
    let rises = outer.maximum >= -1 - outer.minimum
    // A missing product is one with an input of 0.
    let (low, high) =
      layer.mayMissTaps
      ? (min(range.minimum, 0), max(range.maximum, 0)) : (range.minimum, range.maximum)
    let input = weights.map { ($0 > 0) == rises ? high : low }
    var best: (prefix: [Int], sum: Int128)?
    for runs in tiles.orders(weights.count) {
      var prefix: [Int] = []
      var total: Int128 = 0
      for tile in runs {
        let sum = tile.reduce(Int128(0)) { $0 + Int128(weights[$1]) * Int128(input[$1]) }
        if (sum > 0) == rises {
          prefix += tile
          total += sum
        }
      }
      if best.map({ rises ? total > $0.sum : total < $0.sum }) ?? true { best = (prefix, total) }
    }
    guard let prefix = best?.prefix.sorted() else { return nil }
    let bias = rises ? bounds.upperBound : bounds.lowerBound
    return ChannelCounterexample(
      channel: channel, input: input, prefix: prefix.count == weights.count ? nil : prefix,
      bias: layer.bias == nil ? nil : (bias > 0) == rises ? bias : 0, tile: nil,
      sum: rises ? outer.maximum : outer.minimum)
  }
}

extension TileVerdict {
  /// The tiles of each order, which hold `length` products.
  fileprivate func orders(_ length: Int) -> [[[Int]]] {
    var result: [[[Int]]] = []
    var held = length
    for run in runs {
      if held == length {
        result.append([])
        held = 0
      }
      result[result.count - 1].append(run)
      held += run.count
    }
    return result
  }
}

extension TiledWorstCase {
  /// The extremes of registers that take products in this way or in another one.
  fileprivate func union(_ other: TiledWorstCase) -> TiledWorstCase {
    var result = self
    if other.inner.reach > inner.reach { result.farthestTile = other.farthestTile }
    result.inner.formUnion(other.inner)
    result.outer.formUnion(other.outer)
    return result
  }
}

extension WorstCase {
  fileprivate mutating func formUnion(_ other: WorstCase) {
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
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
