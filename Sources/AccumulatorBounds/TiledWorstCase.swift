/// The ranges that the registers of a dot product in two stages can pass through, over every input in the range and
/// every order in either stage.
///
/// A tile's register holds the partial sums of its products (``WorstCase``); the outer one adds the finished sums of
/// the tiles and the bias, in any order. With S+ and S- the sign sums of a tile's weights and inputs in xmin...xmax:
///
///     maximum = max(greatest bias, 0) + sum over tiles of max(0, xmax S+ - xmin S-)
///
/// and the minimum likewise. Where products may be missing, such as the taps of a convolution that lie in padding,
/// any subset of a tile's products is a finished sum, so that 0 is counted as an input. Both bounds are attained.
public struct TiledWorstCase: Sendable, Hashable {
  /// The worst case of all tiles' registers together.
  public var inner: WorstCase
  /// The worst case of the outer register.
  public var outer: WorstCase
  /// The index of the tile whose register goes farthest beyond a signed range around 0; 0 without weights.
  public var farthestTile: Int

  /// - Parameters:
  ///   - weights: the channel's integers in the order in which they are divided into tiles.
  ///   - tileSize: the number of products in a tile, at least 1.
  ///   - input: the range of what is multiplied with a weight, less the zero point.
  ///   - bias: the bounds of the bias, which the outer register adds first or between the tiles.
  ///   - mayMissProducts: whether a finished tile may lack any of its products.
  /// - Returns: `nil` where a sum exceeds 64 bits.
  package init?<Weights: RandomAccessCollection>(
    weights: Weights, tileSize: Int, input: IntegerRange, bias: ClosedRange<Int64> = 0...0,
    mayMissProducts: Bool = false
  ) where Weights.Element: FixedWidthInteger & SignedInteger {
    guard tileSize >= 1 else { return nil }
    let none = SignSums(positive: 0, negative: 0)
    inner = WorstCase(of: none, input: input)
    outer = WorstCase(of: none, input: input, bias: bias)
    farthestTile = 0
    var rest = weights[...]
    var tile = 0
    var reach: Int128 = -1
    while !rest.isEmpty {
      guard let sums = SignSums(rest.prefix(tileSize)) else { return nil }
      let worst = WorstCase(of: sums, input: input)
      if max(worst.maximum, -1 - worst.minimum) > reach {
        reach = max(worst.maximum, -1 - worst.minimum)
        farthestTile = tile
      }
      inner.minimum = min(inner.minimum, worst.minimum)
      inner.maximum = max(inner.maximum, worst.maximum)
      var (low, high) = (Int128(input.minimum), Int128(input.maximum))
      if mayMissProducts { (low, high) = (min(low, 0), max(high, 0)) }
      let (positive, negative) = (Int128(sums.positive), Int128(sums.negative))
      outer.maximum += max(0, high * positive - low * negative)
      outer.minimum += min(0, low * positive - high * negative)
      rest = rest.dropFirst(tileSize)
      tile += 1
    }
  }
}

extension TiledWorstCase {
  /// The same for tiles of any products, each of which is in one tile.
  ///
  /// - Parameter runs: the positions of each tile's products in `weights`.
  /// - Returns: `nil` where a sum exceeds 64 bits.
  package init?(
    weights: [Int64], runs: some Sequence<[Int]>, input: IntegerRange,
    bias: ClosedRange<Int64> = 0...0, mayMissProducts: Bool = false
  ) {
    let none = SignSums(positive: 0, negative: 0)
    var result = TiledWorstCase(
      inner: WorstCase(of: none, input: input),
      outer: WorstCase(of: none, input: input, bias: bias), farthestTile: 0)
    var reach: Int128 = -1
    for (number, run) in runs.enumerated() {
      guard
        let tile = TiledWorstCase(
          weights: run.map { weights[$0] }, tileSize: max(run.count, 1), input: input,
          mayMissProducts: mayMissProducts)
      else { return nil }
      if max(tile.inner.maximum, -1 - tile.inner.minimum) > reach {
        reach = max(tile.inner.maximum, -1 - tile.inner.minimum)
        result.farthestTile = number
      }
      result.inner.minimum = min(result.inner.minimum, tile.inner.minimum)
      result.inner.maximum = max(result.inner.maximum, tile.inner.maximum)
      result.outer.minimum += tile.outer.minimum
      result.outer.maximum += tile.outer.maximum
    }
    self = result
  }

  private init(inner: WorstCase, outer: WorstCase, farthestTile: Int) {
    self.inner = inner
    self.outer = outer
    self.farthestTile = farthestTile
  }
}

extension AccumulatorRange {
  /// The narrowest register that no sum of tiles can leave, whatever their registers hold.
  ///
  /// - Parameters:
  ///   - tiles: the number of registers of this range that are added, at least 1.
  ///   - biasBits: the width of a signed bias that is also added; `nil` for none.
  /// - Returns: `nil` beyond 64 bits.
  public func outer(tiles: Int, biasBits: Int? = nil) -> AccumulatorRange? {
    var least = Int128(minimum) * Int128(max(tiles, 1))
    if let biasBits, (1...64).contains(biasBits) { least += Int128(Int64.min >> (64 - biasBits)) }
    return AccumulatorRange(bits: WorstCase.bits(for: least))
  }
}
