import TensorCore

/// The places of the elements that are multiplied with each other, for each element of Einsum's result.
struct EinsumWalk: Sendable {
  /// Distances of each operand along the axes of the result, then along those that are summed.
  let operands: [[Int]]
  private let outer: [Int]
  private let inner: [Int]

  init(_ equation: EinsumEquation, _ shapes: [[Int]]) {
    var sizes: [EinsumEquation.Label: Int] = [:]
    var summed: [EinsumEquation.Label] = []
    for (labels, shape) in zip(equation.operands, shapes) {
      for (label, size) in zip(labels, shape) {
        if sizes[label] == nil, !equation.result.contains(label) { summed.append(label) }
        if sizes[label] == nil || sizes[label] == 1 { sizes[label] = size }
      }
    }
    outer = equation.result.map { sizes[$0] ?? 1 }
    inner = summed.map { sizes[$0] ?? 1 }
    operands = zip(equation.operands, shapes).map { labels, shape in
      let strides = Shape.strides(shape)
      // A label that an operand has twice walks its diagonal; an axis of size 1 is repeated.
      return (equation.result + summed).map { label in
        labels.indices.reduce(0) {
          labels[$1] == label && shape[$1] != 1 ? $0 + strides[$1] : $0
        }
      }
    }
  }

  /// Elements of the result.
  var resultCount: Int { outer.reduce(1, *) }

  private var termCount: Int { inner.reduce(1, *) }

  /// The place in each operand of the first term of an element of the result.
  func starts(_ result: Int) -> [Int] {
    var rest = result
    var starts = [Int](repeating: 0, count: operands.count)
    for axis in outer.indices.reversed() {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: outer[axis])
      for operand in operands.indices { starts[operand] += remainder * operands[operand][axis] }
      rest = quotient
    }
    return starts
  }

  /// Calls `body` with ranges of elements of the result that are all together, in parallel where that pays.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  func forEachRange<each Shared>(
    sharing shared: repeat each Shared, do body: @Sendable (Range<Int>, repeat each Shared) -> Void
  ) {
    Parallelism.forEachRange(
      count: resultCount, grain: max(1, elementGrain / max(termCount, 1)),
      sharing: repeat each shared, do: body)
  }

  /// Calls `body` with the places of the factors of each term.
  func forEachTerm(_ starts: [Int], _ body: (_ places: [Int]) -> Void) {
    guard termCount > 0 else { return }
    var places = starts
    var position = [Int](repeating: 0, count: inner.count)
    while true {
      body(places)
      var axis = inner.count - 1
      while axis >= 0 {
        let column = outer.count + axis
        position[axis] += 1
        if position[axis] < inner[axis] {
          for operand in operands.indices { places[operand] += operands[operand][column] }
          break
        }
        for operand in operands.indices {
          places[operand] -= operands[operand][column] * (inner[axis] - 1)
        }
        position[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
