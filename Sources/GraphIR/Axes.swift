import TensorCore

/// Checked access to axes that count from the end where negative.
package enum Axes {
  /// - Throws: ``OperatorError/outOfRange`` outside `-rank..<rank`.
  package static func normalized(
    _ axis: Int, rank: Int, _ what: String = "axis"
  ) throws(OperatorError) -> Int {
    guard let normalized = Shape.normalizedAxis(axis, rank: rank) else {
      throw .outOfRange(what: what, value: axis, allowed: "\(-rank)..<\(rank)")
    }
    return normalized
  }

  /// Distinct axes in ascending order.
  ///
  /// - Throws: ``OperatorError`` where one is out of range or named twice.
  package static func normalized(_ axes: [Int], rank: Int) throws(OperatorError) -> [Int] {
    var result: [Int] = []
    for axis in axes {
      let normalized = try normalized(axis, rank: rank)
      guard !result.contains(normalized) else {
        throw .attributeValue(name: "axes", value: "\(axes)", allowed: "distinct axes")
      }
      result.append(normalized)
    }
    return result.sorted()
  }
}
