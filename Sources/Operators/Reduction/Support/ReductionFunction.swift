import TensorCore

/// What a reduction makes of the elements of a group.
package enum ReductionFunction: Sendable, Hashable {
  case sum, mean, product, maximum, minimum, sumOfMagnitudes, norm, sumOfSquares, logOfSum,
    logOfSumOfExponentials

  /// The result for floats, computed in double precision.
  func real<T: Number>(_ group: ReductionGroup<T>) -> T {
    switch self {
    case .maximum: group.fold(T.least) { T.greater($0, $1) }
    case .minimum: group.fold(T.greatest) { T.lesser($0, $1) }
    default: T(converting: real(group))
    }
  }

  /// The result for integers: sums and products in their own type, which wrap around; what need not be an
  /// integer by way of double precision, truncated.
  func whole<T: Number>(_ group: ReductionGroup<T>, _ type: T.Type) -> T {
    switch self {
    case .maximum, .minimum: real(group)
    case .sum: group.fold(T.zero) { T.sum($0, $1) }
    case .product: group.fold(T.one) { T.product($0, $1) }
    case .sumOfSquares: group.fold(T.zero) { T.sum($0, T.product($1, $1)) }
    case .sumOfMagnitudes:
      group.fold(T.zero) { $1 < .zero ? T.difference($0, $1) : T.sum($0, $1) }
    case .mean, .norm, .logOfSum, .logOfSumOfExponentials: T(converting: real(group))
    }
  }

  private func real<T: Number>(_ group: ReductionGroup<T>) -> Double {
    func sum(_ term: (Double) -> Double = { $0 }) -> Double {
      group.fold(0.0) { $0 + term($1.real) }
    }
    switch self {
    case .sum: return sum()
    case .mean: return sum() / Double(group.count)
    case .product: return group.fold(1.0) { $0 * $1.real }
    case .maximum: return group.fold(-Double.infinity) { Double.greater($0, $1.real) }
    case .minimum: return group.fold(Double.infinity) { Double.lesser($0, $1.real) }
    case .sumOfMagnitudes: return sum { $0.magnitude }
    case .norm: return sum { $0 * $0 }.squareRoot()
    case .sumOfSquares: return sum { $0 * $0 }
    case .logOfSum: return log(sum())
    case .logOfSumOfExponentials:
      // Relative to the largest one, so that no power overflows.
      let largest = group.fold(-Double.infinity) { max($0, $1.real) }
      guard largest.isFinite else { return largest }
      return largest + log(sum { exp($0 - largest) })
    }
  }

  /// Calls `body` with the place of each element and the slope of the result with respect to it. Of equal
  /// extremes the first one has it.
  ///
  /// - Parameter result: the value of the reduction.
  func slopes(_ group: ReductionGroup<Float>, _ result: Double, _ body: (Int, Double) -> Void) {
    func each(_ slope: (Double) -> Double) {
      group.grid.forEach(in: group.index) { body($0, slope(Double(group.elements[$0]))) }
    }
    switch self {
    case .sum: each { _ in 1 }
    case .mean: each { _ in 1 / Double(group.count) }
    case .product:
      let zeros = group.fold(0) { $1 == 0 ? $0 + 1 : $0 }
      let others = group.fold(1.0) { $1 == 0 ? $0 : $0 * Double($1) }
      each { x in zeros == 0 ? others / x : x == 0 && zeros == 1 ? others : 0 }
    case .maximum, .minimum:
      var isTaken = false
      each { x in
        guard x == result, !isTaken else { return 0 }
        isTaken = true
        return 1
      }
    case .sumOfMagnitudes: each { x in x > 0 ? 1 : x < 0 ? -1 : 0 }
    case .norm: each { x in result > 0 ? x / result : 0 }
    case .sumOfSquares: each { x in 2 * x }
    case .logOfSum:
      let slope = exp(-result)
      each { _ in slope }
    case .logOfSumOfExponentials: each { x in exp(x - result) }
    }
  }
}

/// The elements that become one.
struct ReductionGroup<T: Number> {
  let elements: UnsafePointer<T>
  let grid: ReductionGrid
  let index: Int

  var count: Int { grid.length }

  @inline(__always)
  func fold<R>(_ start: R, _ join: (R, T) -> R) -> R {
    var result = start
    grid.forEach(in: index) { result = join(result, elements[$0]) }
    return result
  }
}
