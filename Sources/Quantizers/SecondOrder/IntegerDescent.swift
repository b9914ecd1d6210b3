import AccumulatorBounds
import CKernels

/// Lowers a channel's output error from given integers by single units: one weight moved by one unit, or, where
/// the budget stands in the way, one unit taken from a weight and given to another.
///
/// Every step lowers the error and keeps the budget. The end is a local optimum: no single unit can be moved to
/// advantage, and no pair of units among the most promising ones; unless `stepLimit` came first.
struct IntegerDescent {
  let use: BudgetUse
  let limit: Int
  let scale: Float
  /// H, K x K.
  let hessian: UnsafeBufferPointer<Float>
  /// Sweeps through all weights before the best steps are looked for one by one.
  var sweeps = 3
  /// Units that a blocked weight may be given, of which each is tried with all that could give one.
  var pairCandidates = 8
  var stepLimit: Int

  /// A step must lower the error by more than this share of what one unit of the weight weighs, so that
  /// rounding errors can't make steps go round in circles.
  private static let leastGain: Float = 1e-4

  /// Moves the integers of one channel.
  ///
  /// - Parameters:
  ///   - gradient: H (s q - w*), kept up to date.
  /// - Returns: the number of steps.
  @discardableResult func run(
    _ integers: UnsafeMutableBufferPointer<Float>, gradient: UnsafeMutableBufferPointer<Float>
  ) -> Int {
    let count = integers.count
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count) { scratch in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { positions in
        // In one place, since every step goes through all of it.
        for position in 0..<count {
          scratch.initializeElement(at: position, to: hessian[position * count + position])
        }
        return run(
          State(
            use: use, limit: Float(limit), scale: scale, hessian: hessian,
            diagonal: UnsafeBufferPointer(rebasing: scratch[..<count]), integers: integers,
            gradient: gradient, costs: UnsafeMutableBufferPointer(rebasing: scratch[count...]),
            positions: positions))
      }
    }
  }

  private func run(_ start: State) -> Int {
    var state = start
    let integers = state.integers
    for (position, integer) in integers.enumerated() where integer != 0 {
      state.use.take(Int64(integer.magnitude), at: position, isNegative: integer < 0)
    }
    var steps = 0
    for _ in 0..<sweeps {
      let before = steps
      for position in integers.indices where steps < stepLimit {
        if state.improve(position) { steps += 1 }
      }
      if steps == before { break }
    }
    while steps < stepLimit, state.takeBestStep(pairCandidates: pairCandidates) { steps += 1 }
    return steps
  }

  /// One unit: where, and which way the integer moves.
  private struct Unit {
    var position: Int
    var step: Float
    /// What it changes the error by, over the square of the scale.
    var cost: Float
  }

  /// From which weights a unit may be taken so that another, which the budget blocks, can be given.
  private struct Exchange {
    /// From a positive and from a negative weight, of the same tile and of another one.
    private let within: (positive: Bool, negative: Bool)
    private let across: (positive: Bool, negative: Bool)

    init(_ unit: Unit, in use: BudgetUse) {
      let (up, down): (Int64, Int64) = unit.step < 0 ? (0, 1) : (1, 0)
      let positive = use.allows(positive: up - 1, negative: down)
      let negative = use.allows(positive: up, negative: down - 1)
      within = (
        positive && use.tileAllows(at: unit.position, positive: up - 1, negative: down),
        negative && use.tileAllows(at: unit.position, positive: up, negative: down - 1)
      )
      let fits = use.tileAllows(at: unit.position, positive: up, negative: down)
      across = (positive && fits, negative && fits)
    }

    func allows(isNegative: Bool, sharesTile: Bool) -> Bool {
      let from = sharesTile ? within : across
      return isNegative ? from.negative : from.positive
    }
  }

  private struct State {
    var use: BudgetUse
    let limit: Float
    let scale: Float
    let hessian: UnsafeBufferPointer<Float>
    /// That of H.
    let diagonal: UnsafeBufferPointer<Float>
    let integers: UnsafeMutableBufferPointer<Float>
    let gradient: UnsafeMutableBufferPointer<Float>
    /// Scratch: a cost and a position for each weight.
    let costs: UnsafeMutableBufferPointer<Float>
    let positions: UnsafeMutableBufferPointer<Int32>

    private func weight(_ position: Int) -> Float { diagonal[position] }

    /// The row of H of a position.
    private func row(_ position: Int) -> UnsafePointer<Float>? {
      hessian.baseAddress.map { $0 + position * integers.count }
    }

    private func cost(_ position: Int, _ step: Float) -> Float {
      weight(position) + 2 * step * gradient[position] / scale
    }

    /// Moves an integer to the best value near it that the budget allows, if that lowers the error.
    mutating func improve(_ position: Int) -> Bool {
      let weight = weight(position)
      let wanted = -gradient[position] / (scale * weight)
      guard wanted.magnitude > 0.5 + IntegerDescent.leastGain else { return false }
      let integer = integers[position]
      var target = integer + wanted.rounded()
      target = min(max(target, -limit), limit)
      if target.magnitude > integer.magnitude || (target < 0) != (integer < 0) {
        let kept = (target < 0) == (integer < 0) ? integer.magnitude : 0
        let room = Float(use.room(at: position, isNegative: target < 0))
        target = (target < 0 ? -1 : 1) * min(target.magnitude, kept + room)
      }
      // Where the budget turned the step back, what is left of it may not pay.
      let step = target - integer
      guard step != 0, step * (step - 2 * wanted) < -IntegerDescent.leastGain else { return false }
      apply(position, step)
      return true
    }

    mutating func apply(_ position: Int, _ step: Float) {
      let old = integers[position]
      let new = old + step
      if old != 0 { use.take(-Int64(old.magnitude), at: position, isNegative: old < 0) }
      if new != 0 { use.take(Int64(new.magnitude), at: position, isNegative: new < 0) }
      integers[position] = new
      snug_descent_move(gradient.baseAddress, row(position), integers.count, step * scale)
    }

    /// Takes the best single unit, or else the best pair; false where none pays.
    mutating func takeBestStep(pairCandidates: Int) -> Bool {
      var best: Unit?
      var blocked: [Unit] = []
      // Without tiles all positions have the same room.
      let isTiled = use.budget.tiling != nil
      let rooms = (
        positive: use.room(at: 0, isNegative: false), negative: use.room(at: 0, isNegative: true)
      )
      let count = snug_descent_candidates(
        gradient.baseAddress, diagonal.baseAddress, integers.baseAddress, integers.count, scale,
        IntegerDescent.leastGain, limit, positions.baseAddress)
      for position in positions[..<count] {
        let position = Int(position)
        // Downhill is against the gradient; uphill can't pay.
        let step: Float = gradient[position] > 0 ? -1 : 1
        let cost = cost(position, step)
        let integer = integers[position]
        let grows = integer == 0 || (integer > 0) == (step > 0)
        let room =
          isTiled
          ? use.room(at: position, isNegative: step < 0)
          : step < 0 ? rooms.negative : rooms.positive
        if !grows || room >= 1 {
          if cost < best?.cost ?? .infinity {
            best = Unit(position: position, step: step, cost: cost)
          }
        } else {
          insert(Unit(position: position, step: step, cost: cost), into: &blocked, pairCandidates)
        }
      }
      if let best {
        apply(best.position, best.step)
        return true
      }
      return takeBestPair(blocked)
    }

    private func insert(_ unit: Unit, into units: inout [Unit], _ limit: Int) {
      if units.count == limit, let last = units.last, last.cost <= unit.cost { return }
      if units.count == limit { units.removeLast() }
      let place = units.firstIndex { $0.cost > unit.cost } ?? units.count
      units.insert(unit, at: place)
    }

    /// Gives one of the blocked units, for one that another weight gives back.
    private mutating func takeBestPair(_ blocked: [Unit]) -> Bool {
      if blocked.isEmpty { return false }
      snug_descent_returns(
        gradient.baseAddress, diagonal.baseAddress, integers.baseAddress, integers.count, scale,
        costs.baseAddress)
      var best: (given: Unit, taken: Unit)?
      var least = Float.infinity
      for unit in blocked {
        let from = Exchange(unit, in: use)
        // A weight doesn't give back what it is given.
        let own = costs[unit.position]
        costs[unit.position] = .infinity
        defer { costs[unit.position] = own }
        for (range, sharesTile) in tiles(around: unit.position) where !range.isEmpty {
          let place = snug_descent_partner(
            costs.baseAddress.map { $0 + range.lowerBound },
            integers.baseAddress.map { $0 + range.lowerBound },
            row(unit.position).map { $0 + range.lowerBound }, range.count, unit.cost, unit.step,
            from.allows(isNegative: false, sharesTile: sharesTile) ? 1 : 0,
            from.allows(isNegative: true, sharesTile: sharesTile) ? 1 : 0, &least)
          guard place < range.count else { continue }
          let position = range.lowerBound + place
          let step: Float = integers[position] > 0 ? -1 : 1
          best = (unit, Unit(position: position, step: step, cost: costs[position]))
        }
      }
      guard let best, least < -IntegerDescent.leastGain * weight(best.given.position) else {
        return false
      }
      apply(best.taken.position, best.taken.step)
      apply(best.given.position, best.given.step)
      return true
    }

    /// All positions in order, cut where the tile of one begins and ends; in one tile where there are none.
    private func tiles(around position: Int) -> [(range: Range<Int>, sharesTile: Bool)] {
      var parts: [(range: Range<Int>, sharesTile: Bool)] = []
      var start = 0
      for mates in use.tileMates(of: position, count: integers.count) {
        parts.append((start..<mates.lowerBound, false))
        parts.append((mates, true))
        start = mates.upperBound
      }
      parts.append((start..<integers.count, false))
      return parts
    }
  }
}
