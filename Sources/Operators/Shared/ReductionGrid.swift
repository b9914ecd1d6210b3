import TensorCore

/// A row-major tensor seen as groups of elements that are reduced together, one group for each element of the
/// result.
struct ReductionGrid: Sendable {
  /// Groups, in row-major order of the axes that stay.
  let count: Int
  /// Elements of a group.
  let length: Int
  private let kept: [(size: Int, stride: Int)]
  /// The beginnings of a group's runs, relative to its first element.
  private let runs: [Int]
  private let runLength: Int
  private let runStride: Int

  /// - Parameter reduced: distinct axes of `shape`.
  init(_ shape: [Int], reduced: [Int]) {
    let strides = Shape.strides(shape)
    kept = shape.indices.filter { !reduced.contains($0) }.map { (shape[$0], strides[$0]) }
    count = kept.reduce(1) { $0 * $1.size }
    length = reduced.reduce(1) { $0 * shape[$1] }
    // Neighbouring axes are walked as one.
    var axes: [(size: Int, stride: Int)] = []
    for axis in reduced.sorted() where shape[axis] != 1 {
      if let last = axes.last, last.stride == strides[axis] * shape[axis] {
        axes[axes.count - 1] = (last.size * shape[axis], strides[axis])
      } else {
        axes.append((shape[axis], strides[axis]))
      }
    }
    let run = axes.popLast() ?? (1, 1)
    (runLength, runStride) = run
    var runs = [0]
    if length > 0 {
      for (size, stride) in axes {
        runs = runs.flatMap { start in (0..<size).map { start + $0 * stride } }
      }
    }
    self.runs = runs
  }

  /// Calls `body` with the place of each element of a group, in row-major order.
  @inline(__always)
  func forEach(in group: Int, _ body: (_ place: Int) -> Void) {
    guard length > 0 else { return }
    var rest = group
    var start = 0
    for (size, stride) in kept.reversed() {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: size)
      start += remainder * stride
      rest = quotient
    }
    for run in runs {
      for i in 0..<runLength { body(start + run + i * runStride) }
    }
  }

  /// Calls `body` with ranges of groups that are all together, in parallel where that pays.
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
