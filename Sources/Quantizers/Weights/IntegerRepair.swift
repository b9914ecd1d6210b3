import AccumulatorBounds

/// Brings integers that miss a budget inside it: weights move toward zero one unit at a time, that
/// with the smallest increase of squared error first, the first by index among equals.
struct IntegerRepair {
  let budget: AccumulatorBudget

  /// Repairs one channel in place.
  ///
  /// - Parameters:
  ///   - row: the float weights that the integers stand for.
  ///   - scale: the value of one unit.
  /// - Returns: the units moved, 0 where the integers fit.
  /// - Precondition: the budget is feasible.
  func apply(
    to codes: UnsafeMutableBufferPointer<Int8>, row: UnsafeBufferPointer<Float>, scale: Float
  ) -> Int {
    var units = 0
    if let runs = budget.runs {
      for run in runs.runs { units += shrink(codes, run, into: budget.inner, row, scale) }
    } else if let tiling = budget.tiling {
      for start in stride(from: 0, to: codes.count, by: tiling.size) {
        let tile = start..<min(start + tiling.size, codes.count)
        units += shrink(codes, tile, into: budget.inner, row, scale)
      }
    }
    return units + shrink(codes, 0..<codes.count, into: budget.channel, row, scale)
  }

  private func shrink(
    _ codes: UnsafeMutableBufferPointer<Int8>, _ range: some Collection<Int>,
    into region: SignSumRegion,
    _ row: UnsafeBufferPointer<Float>, _ scale: Float
  ) -> Int {
    guard var sums = SignSums(range.lazy.map { codes[$0] }), !region.contains(sums) else {
      return 0
    }
    // Candidates by sign, cheapest first; each holds the cost of its weight's next unit.
    var positive = CostHeap()
    var negative = CostHeap()
    for index in range where codes[index] != 0 {
      let magnitude = Double(codes[index].magnitude)
      let target = Double(row[index]) / Double(scale) * (codes[index] > 0 ? 1 : -1)
      // (|q| - 1 - v)^2 - (|q| - v)^2
      let cost = 1 + 2 * (target - magnitude)
      codes[index] > 0 ? positive.append(cost, index) : negative.append(cost, index)
    }
    positive.order()
    negative.order()
    var units = 0
    while !region.contains(sums) {
      let eligible = region.signsToShrink(sums)
      let takesPositive =
        eligible.positive && (!eligible.negative || positive.precedes(negative))
      let index: Int
      if takesPositive {
        guard let top = positive.first else { return units }
        index = top
        sums.positive -= 1
        codes[index] == 1 ? positive.removeFirst() : positive.raiseFirst(by: 2)
        codes[index] -= 1
      } else {
        guard let top = negative.first else { return units }
        index = top
        sums.negative -= 1
        codes[index] == -1 ? negative.removeFirst() : negative.raiseFirst(by: 2)
        codes[index] += 1
      }
      units += 1
    }
    return units
  }
}

extension WeightLayer {
  /// Brings the integers of all channels inside their budgets.
  ///
  /// - Parameters:
  ///   - codes: C x K, row-major.
  ///   - weights: what the integers stand for; `nil` for the integers themselves.
  /// - Returns: the units moved.
  /// - Precondition: every budget is feasible.
  package func meetBudgets(_ codes: inout [Int8], scales: [Float], weights: [Float]?) -> Int {
    let values = weights ?? codes.indices.map { Float(codes[$0]) * scales[$0 / length] }
    return repaired(&codes, scales: scales, weights: values).reduce(0, +)
  }

  /// The units moved in each channel.
  func repaired(_ codes: inout [Int8], scales: [Float], weights: [Float]) -> [Int] {
    precondition(codes.count == count && weights.count == count, "integers of another layer")
    return codes.withUnsafeMutableBufferPointer { codes in
      weights.withUnsafeBufferPointer { weights in
        (0..<channels).map { channel in
          IntegerRepair(budget: budget(channel, scale: scales[channel])).apply(
            to: row(channel, of: codes), row: row(channel, of: weights), scale: scales[channel])
        }
      }
    }
  }
}

extension SignSumRegion {
  /// The signs whose sums add to a constraint that is violated.
  fileprivate func signsToShrink(_ sums: SignSums) -> (positive: Bool, negative: Bool) {
    let (positive, negative) = (Int128(sums.positive), Int128(sums.negative))
    let tooHigh = along * positive + against * negative > above
    let tooLow = along * negative + against * positive > below
    return (
      sums.positive > 0
        && (sums.positive > positiveLimit || (tooHigh && along > 0) || (tooLow && against > 0)),
      sums.negative > 0
        && (sums.negative > negativeLimit || (tooHigh && against > 0) || (tooLow && along > 0))
    )
  }
}

/// A binary heap of weights by the cost of their next unit, ties by index.
private struct CostHeap {
  private var entries: [(cost: Double, index: Int)] = []

  var first: Int? { entries.first?.index }

  mutating func append(_ cost: Double, _ index: Int) { entries.append((cost, index)) }

  /// Establishes the heap after the last `append`.
  mutating func order() {
    for position in stride(from: entries.count / 2 - 1, through: 0, by: -1) { sink(position) }
  }

  mutating func raiseFirst(by cost: Double) {
    entries[0].cost += cost
    sink(0)
  }

  mutating func removeFirst() {
    let last = entries.removeLast()
    guard !entries.isEmpty else { return }
    entries[0] = last
    sink(0)
  }

  /// True where the first entry comes before that of another heap; an empty heap comes last.
  func precedes(_ other: CostHeap) -> Bool {
    guard let first = entries.first else { return false }
    guard let second = other.entries.first else { return true }
    return (first.cost, first.index) < (second.cost, second.index)
  }

  private mutating func sink(_ start: Int) {
    var position = start
    while true {
      var least = position
      for child in [2 * position + 1, 2 * position + 2] where child < entries.count {
        if (entries[child].cost, entries[child].index) < (entries[least].cost, entries[least].index)
        {
          least = child
        }
      }
      if least == position { return }
      entries.swapAt(position, least)
      position = least
    }
  }
}
