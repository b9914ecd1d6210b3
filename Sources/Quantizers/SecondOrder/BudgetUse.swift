import AccumulatorBounds

/// What a channel whose integers are chosen one by one has used of its budget.
struct BudgetUse {
  let budget: AccumulatorBudget
  private(set) var sums = SignSums(positive: 0, negative: 0)
  /// Of each tile; empty without tiles.
  private var tiles: [SignSums] = []

  init(_ budget: AccumulatorBudget, length: Int) {
    self.budget = budget
    if let tiling = budget.tiling {
      tiles = Array(
        repeating: sums,
        count: budget.runs?.runs.count ?? (length + tiling.size - 1) / tiling.size)
    }
  }

  /// Calls `body` with the number of each tile that holds a position; none without tiles.
  private func forEachTile(at position: Int, _ body: (Int) -> Void) {
    guard let tiling = budget.tiling else { return }
    guard let runs = budget.runs else { return body(position / tiling.size) }
    for membership in runs.memberships { body(membership[position]) }
  }

  /// What all weights not chosen yet may use of the channel's register: with tiles, of the outer one.
  var remaining: SignSumRegion { budget.channel.remaining(after: sums) }

  /// What the weights of a tile that are not chosen yet may use of its register.
  func remaining(inTile tile: Int) -> SignSumRegion { budget.inner.remaining(after: tiles[tile]) }

  /// The most units of a sign that a weight may take, besides those that the position has already.
  func room(at position: Int, isNegative: Bool) -> Int64 {
    var room = Self.room(budget.channel, sums, isNegative)
    forEachTile(at: position) {
      room = min(room, Self.room(budget.inner, tiles[$0], isNegative))
    }
    return room
  }

  /// Adds units, fewer where negative, to those of a sign.
  mutating func take(_ units: Int64, at position: Int, isNegative: Bool) {
    sums.add(units, isNegative)
    guard let tiling = budget.tiling else { return }
    if let runs = budget.runs {
      for membership in runs.memberships { tiles[membership[position]].add(units, isNegative) }
    } else {
      tiles[position / tiling.size].add(units, isNegative)
    }
  }

  /// Whether the whole channel would fit with this many more units of each sign.
  func allows(positive: Int64, negative: Int64) -> Bool {
    budget.check(positiveSum: sums.positive + positive, negativeSum: sums.negative + negative)
  }

  /// Whether the tiles at a position would fit with this many more units of each sign; true without tiles.
  func tileAllows(at position: Int, positive: Int64, negative: Int64) -> Bool {
    var fits = true
    forEachTile(at: position) {
      let (positive, negative) = (tiles[$0].positive + positive, tiles[$0].negative + negative)
      fits =
        fits && positive >= 0 && negative >= 0
        && budget.inner.contains(SignSums(positive: positive, negative: negative))
    }
    return fits
  }

  /// The positions that are in every register in which one of `count` is, itself included, in order: all of them
  /// without tiles.
  func tileMates(of position: Int, count: Int) -> [Range<Int>] {
    guard let size = budget.tiling?.size else { return [0..<count] }
    guard let runs = budget.runs else {
      let start = position / size * size
      return [start..<min(start + size, count)]
    }
    guard let first = runs.memberships.first else { return [] }
    return runs.runs[first[position]].filter { other in
      runs.memberships.allSatisfy { $0[other] == $0[position] }
    }
    .sorted().map { $0..<$0 + 1 }
  }

  private static func room(_ region: SignSumRegion, _ sums: SignSums, _ isNegative: Bool) -> Int64 {
    isNegative
      ? (region.largestNegative(besidePositive: sums.positive) ?? 0) - sums.negative
      : (region.largestPositive(besideNegative: sums.negative) ?? 0) - sums.positive
  }
}

extension SignSums {
  fileprivate mutating func add(_ units: Int64, _ isNegative: Bool) {
    if isNegative { negative += units } else { positive += units }
  }
}
