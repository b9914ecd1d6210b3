/// The place in row-major order of an element's index.
func offset(_ index: [Int], _ shape: [Int]) -> Int {
  zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }
}

/// The index of the element at a place in row-major order.
func index(_ offset: Int, _ shape: [Int]) -> [Int] {
  var rest = offset
  return shape.reversed().map { size in
    defer { rest /= size }
    return rest % size
  }.reversed()
}
