import DNNEngine
import TensorCore

/// Sums over memory for each entry of an axis, in double precision and in parallel.
///
/// The parts that are summed on their own depend on the nest alone, so that the result is the same for any
/// number of threads.
final class NestSums: @unchecked Sendable {
  private let nest: MemoryDescriptor.AxisNest
  /// Inner positions of a part.
  private let length: Int
  private let partsPerUnit: Int
  private let rows: ScratchBuffer<Double>
  private let sums: ScratchBuffer<Double>
  /// One for each entry of the axis, those of the padding included.
  var totals: UnsafeMutablePointer<Double> { sums.pointer }

  init(_ nest: MemoryDescriptor.AxisNest) {
    self.nest = nest
    length = max(32, MemoryDescriptor.AxisNest.grain / max(nest.block, 1))
    partsPerUnit = max(1, (nest.inner + length - 1) / length)
    rows = ScratchBuffer(
      uninitializedCount: nest.outer * nest.blocks * partsPerUnit * nest.block)
    sums = ScratchBuffer(uninitializedCount: nest.parameterCount)
  }

  /// Parts of memory: the offset of each in elements, its number of rows of `block` elements, the entry of the first
  /// column, and one sum for each column, which is 0.
  struct Parts: Sequence, IteratorProtocol {
    fileprivate let owner: NestSums
    fileprivate var range: Range<Int>

    mutating func next() -> (
      offset: Int, count: Int, entry: Int, sums: UnsafeMutablePointer<Double>
    )? {
      guard let part = range.popFirst() else { return nil }
      let (nest, length) = (owner.nest, owner.length)
      let (unit, chunk) = part.quotientAndRemainder(dividingBy: owner.partsPerUnit)
      let begin = chunk * length
      let sums = owner.rows.pointer + part * nest.block
      sums.update(repeating: 0, count: nest.block)
      return (
        (unit * nest.inner + begin) * nest.block, Swift.min(length, nest.inner - begin),
        unit % nest.blocks * nest.block, sums
      )
    }
  }

  /// Calls `body` in parallel with parts that together cover memory, then adds up what it has left in their sums.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  func run<each Shared>(
    sharing shared: repeat each Shared, do body: @Sendable (Parts, repeat each Shared) -> Void
  ) {
    let parts = nest.outer * nest.blocks * partsPerUnit
    Parallelism.forEachRange(count: parts, sharing: repeat each shared) {
      (range: Range<Int>, shared: repeat each Shared) in
      body(Parts(owner: self, range: range), repeat each shared)
    }
    let rows = rows.pointer
    totals.update(repeating: 0, count: nest.parameterCount)
    for part in 0..<parts {
      let first = part / partsPerUnit % nest.blocks * nest.block
      for lane in 0..<nest.block { totals[first + lane] += rows[part * nest.block + lane] }
    }
  }
}
