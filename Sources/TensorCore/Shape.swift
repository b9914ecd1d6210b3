/// Arithmetic on concrete shapes (`[Int]`, outermost dimension first) that can't overflow.
package enum Shape {
  /// The number of elements; `nil` where a dimension is negative or the product exceeds `Int`.
  package static func elementCount(_ dimensions: some Sequence<Int>) -> Int? {
    var count = 1
    var hasZero = false
    for dimension in dimensions {
      if dimension < 0 { return nil }
      if dimension == 0 {
        hasZero = true
        continue
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      if overflow { return nil }
      count = product
    }
    return hasZero ? 0 : count
  }

  /// Row-major strides in elements.
  package static func strides(_ dimensions: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: dimensions.count)
    for axis in dimensions.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] &* max(dimensions[axis + 1], 1)
    }
    return strides
  }

  /// The multidirectional broadcast of two shapes (ONNX Broadcasting.md); `nil` where they don't fit.
  package static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    var result = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
      let fromA = axis - (rank - a.count)
      let fromB = axis - (rank - b.count)
      let da = fromA < 0 ? 1 : a[fromA]
      let db = fromB < 0 ? 1 : b[fromB]
      guard da == db || da == 1 || db == 1 else { return nil }
      result[axis] = da == 1 ? db : da
    }
    return result
  }

  /// The axis from 0 on, counted from the end where `axis` is negative; `nil` outside `-rank..<rank`.
  package static func normalizedAxis(_ axis: Int, rank: Int) -> Int? {
    guard axis >= -rank, axis < rank else { return nil }
    return axis < 0 ? axis + rank : axis
  }
}
