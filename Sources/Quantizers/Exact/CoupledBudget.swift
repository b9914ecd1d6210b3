import AccumulatorBounds

/// The best sums (S+, S-) of a channel whose signs share their budget, as for signed inputs.
///
/// With P(x) and N(y) the sums of the x and y largest gains of each sign, both concave, this maximises
/// P(x) + N(y) over integers with a x + b y <= above and b x + a y <= below.
///
/// 1. Multipliers lambda, mu >= 0 of the two constraints give thresholds theta+ = a lambda + b mu and
///    theta- = b lambda + a mu. Where one constraint alone binds, a bisection finds its multiplier;
///    where both do, the sums are those at the constraints' crossing, and the thresholds follow.
/// 2. For any multipliers, P(x) + N(y) = D - e+(x) - e-(y) - lambda (room above) - mu (room below), D
///    independent of x and y, and e(x) >= 0 what x loses against taking just the gains above the
///    threshold. So the best sums cost least in those four terms, none of them negative, and only sums
///    with e+(x) and e-(y) below the least cost found so far can be better. The search walks outward
///    from the thresholds and stops there: the result is optimal, and the multipliers need not be.
struct CoupledBudget {
  let region: SignSumRegion
  let positive: UnitSet
  let negative: UnitSet
  /// The region's numbers, which every multiplier is held against.
  private let along: Double
  private let against: Double
  private let above: Double
  private let below: Double

  init(region: SignSumRegion, positive: UnitSet, negative: UnitSet) {
    self.region = region
    self.positive = positive
    self.negative = negative
    along = region.along.double
    against = region.against.double
    above = region.above.double
    below = region.below.double
  }

  /// All sums up to these are of interest: every further unit would raise the error.
  private var most: SignSums {
    SignSums(
      positive: min(positive.units, region.positiveLimit),
      negative: min(negative.units, region.negativeLimit))
  }

  /// - Precondition: the region is feasible.
  func bestSums() -> SignSums {
    let most = most
    if region.contains(most) { return most }
    if region.along == 0 || region.against == 0 {
      // Each constraint concerns one sign.
      return SignSums(
        positive: min(most.positive, region.largestPositive(besideNegative: 0) ?? 0),
        negative: min(most.negative, region.largestNegative(besidePositive: 0) ?? 0))
    }
    return search(multipliers(), most)
  }

  // MARK: Multipliers

  private typealias Multipliers = (above: Double, below: Double)

  private func thresholds(_ multipliers: Multipliers) -> (positive: Double, negative: Double) {
    (
      along * multipliers.above + against * multipliers.below,
      against * multipliers.above + along * multipliers.below
    )
  }

  private func sums(_ multipliers: Multipliers) -> (positive: Double, negative: Double) {
    let thresholds = thresholds(multipliers)
    return (
      Double(min(positive.count(above: thresholds.positive), region.positiveLimit)),
      Double(min(negative.count(above: thresholds.negative), region.negativeLimit))
    )
  }

  private func fitsAbove(_ sums: (positive: Double, negative: Double)) -> Bool {
    along * sums.positive + against * sums.negative <= above
  }

  private func fitsBelow(_ sums: (positive: Double, negative: Double)) -> Bool {
    along * sums.negative + against * sums.positive <= below
  }

  private func multipliers() -> Multipliers {
    let (a, b) = (along, against)
    let largest = Double(max(positive.largestMagnitude, negative.largestMagnitude))
    let end = largest / min(a, b)
    let above = least(to: end) { fitsAbove(sums(($0, 0))) }
    if fitsBelow(sums((above, 0))) { return (above, 0) }
    let below = least(to: end) { fitsBelow(sums((0, $0))) }
    if fitsAbove(sums((0, below))) { return (0, below) }
    // Both bind. With a = b the tighter one does alone, so a and b differ here.
    let determinant = a * a - b * b
    let crossing = (
      positive: (a * self.above - b * self.below) / determinant,
      negative: (a * self.below - b * self.above) / determinant
    )
    let p = least(to: largest) { Double(positive.count(above: $0)) <= crossing.positive }
    let n = least(to: largest) { Double(negative.count(above: $0)) <= crossing.negative }
    return (max(0, (a * p - b * n) / determinant), max(0, (a * n - b * p) / determinant))
  }

  /// About the least value in 0...end where `holds`, which stays true from there on.
  private func least(to end: Double, _ holds: (Double) -> Bool) -> Double {
    if holds(0) { return 0 }
    var (low, high) = (0.0, end)
    for _ in 0..<24 {
      let middle = (low + high) / 2
      if holds(middle) { high = middle } else { low = middle }
    }
    return high
  }

  // MARK: Sums

  private func search(_ multipliers: Multipliers, _ most: SignSums) -> SignSums {
    let thresholds = thresholds(multipliers)
    var width = 1.0 / 64
    while true {
      let p = GainWindow(positive, threshold: thresholds.positive, width: width)
      let n = GainWindow(negative, threshold: thresholds.negative, width: width)
      if let sums = search(multipliers, most, p, n) { return sums }
      width *= 4
    }
  }

  /// The best sums, or `nil` where a window is too narrow to tell.
  private func search(
    _ multipliers: Multipliers, _ most: SignSums, _ p: GainWindow, _ n: GainWindow
  ) -> SignSums? {
    var best: (sums: SignSums, cost: Double)?
    var isTooNarrow = false
    let start = min(p.taken, most.positive)
    /// Takes the best sums with S+ = x in; false where neither these nor any further from the
    /// threshold can be better.
    func consider(_ x: Int64) -> Bool {
      guard x >= 0, x <= most.positive else { return false }
      guard let lossX = p.loss(x) else {
        if p.edgeLoss(x) < best?.cost ?? .infinity { isTooNarrow = true }
        return false
      }
      if lossX >= best?.cost ?? .infinity { return false }
      // Too much of one sign is no better for even more of it.
      guard let room = region.largestNegative(besidePositive: x) else { return x <= start }
      let y = min(room, most.negative)
      guard let lossY = n.loss(y) else {
        if lossX + n.edgeLoss(y) < best?.cost ?? .infinity { isTooNarrow = true }
        return true
      }
      let (positive, negative) = (Int128(x), Int128(y))
      let above = region.above - region.along * positive - region.against * negative
      let below = region.below - region.along * negative - region.against * positive
      let cost =
        lossX + lossY + multipliers.above * above.double + multipliers.below * below.double
      if cost < best?.cost ?? .infinity {
        best = (SignSums(positive: x, negative: y), cost)
      }
      return true
    }
    var x = start
    while consider(x) { x -= 1 }
    x = start + 1
    while consider(x) { x += 1 }
    return isTooNarrow ? nil : best?.sums
  }
}

extension Int128 {
  /// The nearest number: for those of 64 bits, which nearly all are, by the processor instead of the generic conversion.
  fileprivate var double: Double {
    let short = Int64(truncatingIfNeeded: self)
    return Int128(short) == self ? Double(short) : Double(self)
  }
}

/// The gains of one sign near a threshold, and what it costs to take more or fewer units than those
/// above it.
private struct GainWindow {
  /// Units whose gain exceeds the threshold.
  let taken: Int64
  /// What k units fewer than `taken` lose, k = 0, 1, ...
  private var fewer: [Double] = [0]
  /// What k units more than `taken` lose.
  private var more: [Double] = [0]
  /// True where every unit of the sign lies inside the window on that side.
  private let endsBelow: Bool
  private let endsAbove: Bool

  init(_ units: UnitSet, threshold: Double, width: Double) {
    taken = units.count(above: threshold)
    for gain in units.gains(above: threshold, upTo: threshold + width).reversed() {
      fewer.append((fewer.last ?? 0) + max(Double(gain) - threshold, 0))
    }
    for gain in units.gains(above: threshold - width, upTo: threshold) {
      more.append((more.last ?? 0) + max(threshold - Double(gain), 0))
    }
    endsAbove = fewer.count - 1 >= taken
    endsBelow = more.count - 1 >= units.units - taken
  }

  /// e(x), or `nil` outside the window.
  func loss(_ x: Int64) -> Double? {
    let losses = x <= taken ? fewer : more
    let distance = Int(abs(x - taken))
    return distance < losses.count ? losses[distance] : nil
  }

  /// A lower bound of e(x) for x outside the window; infinite where there are no such units.
  func edgeLoss(_ x: Int64) -> Double {
    if x <= taken { return endsAbove ? .infinity : fewer.last ?? 0 }
    return endsBelow ? .infinity : more.last ?? 0
  }
}
