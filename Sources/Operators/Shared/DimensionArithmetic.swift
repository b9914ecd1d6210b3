import GraphIR
import TensorCore

/// An operator that models compute shapes with, from dimensions of which some are known by name only.
///
/// Booleans are 0 and 1. A symbol is at least 1.
package protocol DimensionArithmetic: Operator {
  /// The elements of the first output, where that is an integer or boolean tensor of at most one dimension; `nil` where
  /// not even their number follows.
  func elements(_ inputs: [InputInfo?]) -> [Dimension]?
}

extension [InputInfo?] {
  /// The longest vector that may say what a shape is.
  private static let vectorLimit = 1024

  /// What is known about the elements of an integer input of at most one dimension; `nil` where nothing is.
  func elements(_ index: Int) -> [Dimension]? {
    guard let constant = constant(index) else {
      return indices.contains(index) ? self[index]?.elements : nil
    }
    guard constant.rank <= 1, constant.count <= Self.vectorLimit else { return nil }
    return constant.integers()?.map { .fixed($0) }
  }

  /// ``elements(_:)``, all of them unknown where the length alone is known.
  func vector(_ index: Int) -> [Dimension]? {
    if let elements = elements(index) { return elements }
    guard let shape = type(index)?.shape, shape.count <= 1, let count = Shape.elementCount(shape),
      count <= Self.vectorLimit
    else { return nil }
    return [Dimension](repeating: .unknown, count: count)
  }

  /// The elements of the first two inputs that meet by broadcasting.
  func elementPairs(_ first: Int = 0, _ second: Int = 1) -> [(Dimension, Dimension)]? {
    guard let a = vector(first), let b = vector(second) else { return nil }
    return Dimension.pairs(a, b)
  }

  /// Arithmetic on the elements of the first two inputs; an overflow is unknown.
  ///
  /// - Parameter neutral: the number that, as the second operand, gives the first.
  func combined(
    neutral: Int, isCommutative: Bool = false,
    _ operation: (Int, Int) -> (partialValue: Int, overflow: Bool)
  ) -> [Dimension]? {
    elementPairs()?.map { a, b in
      if b == .fixed(neutral) { return a }
      if isCommutative, a == .fixed(neutral) { return b }
      guard case .fixed(let a) = a, case .fixed(let b) = b else { return .unknown }
      let (value, overflow) = operation(a, b)
      return overflow ? .unknown : .fixed(value)
    }
  }
}

extension Dimension {
  /// The elements of two vectors that meet by broadcasting; `nil` where they don't fit.
  static func pairs<A, B>(_ a: [A], _ b: [B]) -> [(A, B)]? {
    guard a.count == b.count || a.count == 1 || b.count == 1 else { return nil }
    return (0..<(a.count == 1 ? b.count : a.count)).map {
      (a[a.count == 1 ? 0 : $0], b[b.count == 1 ? 0 : $0])
    }
  }

  /// A vector of `count` elements; `nil` where the elements are neither as many nor one.
  static func repeated(_ elements: [Dimension], count: Int) -> [Dimension]? {
    guard (0...1024).contains(count) else { return nil }
    if elements.count == count { return elements }
    return elements.count == 1 ? [Dimension](repeating: elements[0], count: count) : nil
  }

  /// The dimension that an element of a shape states: a negative number is none.
  var asDimension: Dimension { size.map { $0 < 0 } == true ? .unknown : self }
}
