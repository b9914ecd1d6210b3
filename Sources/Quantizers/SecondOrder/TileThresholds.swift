import AccumulatorBounds

/// The positions that greedy rounding has yet to come to, tile by tile.
///
/// Greedy rounding takes positions in an order of its own, so that those of a tile are scattered over it.
struct TileOrder: Sendable {
  /// T.
  private let length: Int
  /// The tile of each position, where tiles aren't runs of positions.
  private let membership: [Int]?
  /// Places in the order, from the first one that is open on, grouped by the tile of their position.
  let places: [Int]
  /// Where each tile's places begin, and the end of the last one's.
  let bounds: [Int]

  /// - Parameters:
  ///   - order: the channel's positions in the order of rounding.
  ///   - start: the first open place.
  ///   - runs: which positions make a tile, where these aren't runs of them; of several orders the first counts, since
  ///     a threshold is no limit.
  init(_ order: [Int], from start: Int, tiling: Tiling, runs: ProductRuns?) {
    length = tiling.size
    membership = runs?.memberships.first
    let tiles = runs?.firstCount ?? (order.count + length - 1) / length
    var groups = [[Int]](repeating: [], count: tiles)
    for place in start..<order.count {
      groups[membership?[order[place]] ?? order[place] / length].append(place)
    }
    places = groups.flatMap { $0 }
    bounds = groups.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
  }

  func tile(of position: Int) -> Int { membership?[position] ?? position / length }
}

extension ExactProjection {
  /// The thresholds of each sign in each tile, in steps: those of the exact projection of all open positions on what
  /// is left of every register, the tiles' first and then, with what these allow as caps, the outer one's.
  ///
  /// - Parameters:
  ///   - row: the channel's values in the order of rounding.
  ///   - use: what the positions before the open ones have taken.
  func thresholds(
    _ row: UnsafeBufferPointer<Float>, scale: Float, use: BudgetUse, order: TileOrder
  ) -> [(positive: Float, negative: Float)] {
    let count = order.places.count
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { values in
      withUnsafeTemporaryAllocation(of: Int8.self, capacity: count) { caps in
        for (index, place) in order.places.enumerated() {
          values.initializeElement(at: index, to: row[place])
        }
        caps.initialize(repeating: 0)
        let open = UnsafeBufferPointer(values)
        var thresholds: [(positive: Float, negative: Float)] = []
        for tile in 0..<order.bounds.count - 1 {
          let range = order.bounds[tile]..<order.bounds[tile + 1]
          let own = UnsafeBufferPointer(rebasing: open[range])
          let region = use.remaining(inTile: tile)
          thresholds.append(self.thresholds(own, scale: scale, region: region))
          project(
            own, scale: scale, caps: nil, on: region,
            into: UnsafeMutableBufferPointer(rebasing: caps[range]))
        }
        if let sums = SignSums(caps), use.remaining.contains(sums) { return thresholds }
        let outer = self.thresholds(
          open, scale: scale, region: use.remaining, caps: UnsafePointer(caps.baseAddress))
        return thresholds.map {
          (max($0.positive, outer.positive), max($0.negative, outer.negative))
        }
      }
    }
  }
}
