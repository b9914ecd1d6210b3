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

  /// Calls `body` with ranges of lines that are all together, in parallel where that pays.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  func forEachRange<each Shared>(
    sharing shared: repeat each Shared, do body: @Sendable (Range<Int>, repeat each Shared) -> Void
  ) {
    Parallelism.forEachRange(
      count: count, grain: max(1, elementGrain / max(length, 1)), sharing: repeat each shared,
      do: body)
  }
}
