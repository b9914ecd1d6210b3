import GraphIR
import TensorCore

/// Arithmetic on dimensions of which some are known by name only.
enum Dimensions {
  /// Above this no dimension is accepted, so that window arithmetic can't overflow.
  static let limit = 1 << 40

  /// As many unknown dimensions, or `nil` for a rank that no tensor has.
  static func unknown(rank: Int) -> [Dimension]? {
    (0...64).contains(rank) ? [Dimension](repeating: .unknown, count: rank) : nil
  }

  /// Multidirectional broadcasting of two shapes.
  ///
  /// - Throws: ``OperatorError/mismatch`` where two fixed dimensions differ and neither is 1.
  static func broadcast(_ a: [Dimension], _ b: [Dimension]) throws(OperatorError) -> [Dimension] {
    let rank = max(a.count, b.count)
    var result: [Dimension] = []
    for axis in 0..<rank {
      let fromA = axis - (rank - a.count)
      let fromB = axis - (rank - b.count)
      let da = fromA < 0 ? 1 : a[fromA]
      let db = fromB < 0 ? 1 : b[fromB]
      switch (da, db) {
      case _ where da == db && da != .unknown: result.append(da)
      case (.fixed(1), _): result.append(db)
      case (_, .fixed(1)): result.append(da)
      case (.fixed(let x), .fixed(let y)):
        throw .mismatch(
          what: "dimension \(axis) of the second input", expected: "\(x) or 1",
          actual: "\(y)")
      // A fixed size other than 1 decides: the other is the same or 1.
      case (.fixed, _): result.append(da)
      case (_, .fixed): result.append(db)
      default: result.append(.unknown)
      }
    }
    return result
  }

  /// The product of dimensions: fixed, one symbol alone, or unknown.
  ///
  /// - Throws: ``OperatorError/outOfRange`` where it overflows.
  static func product(_ dimensions: some Sequence<Dimension>) throws(OperatorError) -> Dimension {
    var factors = Factors()
    for dimension in dimensions { try factors.multiply(dimension) }
    return factors.dimension
  }

  /// What fills the `-1` of a Reshape: the quotient of two products.
  ///
  /// - Throws: ``OperatorError`` where fixed sizes don't divide or overflow.
  static func quotient(
    _ numerator: some Sequence<Dimension>, by denominator: some Sequence<Dimension>
  ) throws(OperatorError) -> Dimension {
    var top = Factors()
    var bottom = Factors()
    for dimension in numerator { try top.multiply(dimension) }
    for dimension in denominator { try bottom.multiply(dimension) }
    // The symbols of a file may claim too much, so that they refute nothing.
    let hasSymbols = !top.symbols.isEmpty
    for symbol in bottom.symbols {
      guard let index = top.symbols.firstIndex(of: symbol) else { return .unknown }
      top.symbols.remove(at: index)
    }
    guard !top.hasUnknown, !bottom.hasUnknown else { return .unknown }
    guard bottom.fixed != 0 else { return top.symbols.isEmpty ? .fixed(0) : .unknown }
    guard top.fixed % bottom.fixed == 0 else {
      if hasSymbols { return .unknown }
      throw .mismatch(
        what: "number of elements", expected: "a multiple of \(bottom.fixed)",
        actual: "\(top.fixed)")
    }
    top.fixed /= bottom.fixed
    return top.dimension
  }

  private struct Factors {
    var fixed = 1
    var symbols: [String] = []
    var hasUnknown = false

    mutating func multiply(_ dimension: Dimension) throws(OperatorError) {
      switch dimension {
      case .fixed(let size):
        let (product, overflow) = fixed.multipliedReportingOverflow(by: size)
        guard !overflow else {
          throw .outOfRange(
            what: "number of elements", value: size, allowed: "a product below 2^63")
        }
        fixed = product
      case .symbolic(let name): symbols.append(name)
      case .unknown: hasUnknown = true
      }
    }

    var dimension: Dimension {
      if hasUnknown { return .unknown }
      switch symbols.count {
      case 0: return .fixed(fixed)
      case 1 where fixed == 1: return .symbolic(symbols[0])
      default: return .unknown
      }
    }
  }
}
