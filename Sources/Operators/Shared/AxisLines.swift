import TensorCore

/// A row-major tensor seen as lines along one axis.
struct AxisLines: Sendable {
  let count: Int
  /// Elements of a line, and the distance between neighbours.
  let length: Int
  let stride: Int

  init(_ shape: [Int], axis: Int) {
    length = shape[axis]
    stride = shape[(axis + 1)...].reduce(1, *)
    count = shape[..<axis].reduce(1, *) * stride
  }

  /// The lines of a matrix whose rows hold all dimensions from `axis` on.
  init(_ shape: [Int], flattenedFrom axis: Int) {
    count = shape[..<axis].reduce(1, *)
    length = shape[axis...].reduce(1, *)
    stride = 1
  }

  /// The place of a line's first element.
  func start(_ line: Int) -> Int {
    let (outer, inner) = line.quotientAndRemainder(dividingBy: stride)
    return outer * length * stride + inner
  }

  /// Calls `body` with each line and the place of its first element, in parallel where that pays.
  func forEach(_ body: @Sendable (_ line: Int, _ start: Int) -> Void) {
    Parallelism.forEachRange(count: count, grain: max(1, elementGrain / max(length, 1))) {
      for line in $0 { body(line, start(line)) }
    }
  }
}
