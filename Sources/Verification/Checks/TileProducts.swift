import AccumulatorBounds

/// Which products of a channel share a tile's register, anew from what docs/registers.md says.
enum TileProducts {
  /// For each order the positions of each tile's products.
  ///
  /// - Parameter orders: in place of the tiling's own.
  static func orders(_ tiling: Tiling, _ kernel: KernelShape, as orders: [ProductOrder]? = nil)
    -> [[[Int]]]
  {
    (orders ?? tiling.orders).map { order in
      var tiles: [[Int]] = []
      var rest = sequence(order, kernel)
      // Channels of one position end a tile; else nothing but its length does.
      let stretch = order == .withinPosition ? max(kernel.channels, 1) : max(rest.count, 1)
      while !rest.isEmpty {
        var part = Array(rest.prefix(stretch))
        rest.removeFirst(part.count)
        while !part.isEmpty {
          tiles.append(Array(part.prefix(tiling.size)))
          part.removeFirst(min(tiling.size, part.count))
        }
      }
      return tiles
    }
  }

  /// The positions of a channel's products in the order in which hardware comes to them.
  private static func sequence(_ order: ProductOrder, _ kernel: KernelShape) -> [Int] {
    let count = kernel.channels * kernel.positions
    if order == .stored || order == .any || kernel.channelsAreLast { return Array(0..<count) }
    return (0..<count).map { place in
      let (position, channel) = place.quotientAndRemainder(dividingBy: kernel.channels)
      return channel * kernel.positions + position
    }
  }

  /// The extremes of a register that takes any `size` products.
  static func farthest(_ size: Int, of weights: [Int64], input: IntegerRange) -> TiledWorstCase? {
    let raising = contributions(weights, input, rising: true).prefix(size)
    let lowering = contributions(weights, input, rising: false).prefix(size)
    guard
      var result = TiledWorstCase(
        weights: [Int64](), tileSize: size, input: input)
    else { return nil }
    result.inner.maximum = raising.reduce(0) { $0 + $1.amount }
    result.inner.minimum = -lowering.reduce(0) { $0 + $1.amount }
    return result
  }

  /// The products that drive such a register out of its range.
  static func farthestProducts(
    _ size: Int, of weights: [Int64], input: IntegerRange, beyond accumulator: AccumulatorRange
  ) -> [Int] {
    let raising = contributions(weights, input, rising: true).prefix(size)
    let lowering = contributions(weights, input, rising: false).prefix(size)
    let overflows =
      raising.reduce(Int128(0)) { $0 + $1.amount } > Int128(accumulator.maximum)
    return (overflows ? raising : lowering).map(\.position)
  }

  /// The most that each product can move a sum one way, the farthest first; products that can't are left out.
  private static func contributions(_ weights: [Int64], _ input: IntegerRange, rising: Bool) -> [(
    amount: Int128, position: Int
  )] {
    let (high, low) = (max(Int128(input.maximum), 0), min(Int128(input.minimum), 0))
    return weights.enumerated().compactMap { position, weight in
      let weight = Int128(rising ? weight : -weight)
      let amount = max(weight * high, weight * low)
      return amount > 0 ? (amount, position) : nil
    }.sorted { ($0.amount, $1.position) > ($1.amount, $0.position) }
  }
}
