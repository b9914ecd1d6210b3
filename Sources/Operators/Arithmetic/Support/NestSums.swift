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
  private let rows: UnsafeMutablePointer<Double>
  /// One for each entry of the axis, those of the padding included.
  let totals: UnsafeMutablePointer<Double>

  init(_ nest: MemoryDescriptor.AxisNest) {
    self.nest = nest
    length = max(32, MemoryDescriptor.AxisNest.grain / max(nest.block, 1))
    partsPerUnit = max(1, (nest.inner + length - 1) / length)
    rows = .allocate(capacity: max(nest.outer * nest.blocks * partsPerUnit * nest.block, 1))
    totals = .allocate(capacity: max(nest.parameterCount, 1))
  }

  deinit {
    rows.deallocate()
    totals.deallocate()
  }

  /// Calls `body` for parts that together cover memory, then adds up what it has left in `sums`.
  ///
  /// - Parameter body: gets the part's offset in elements, its number of rows of `block` elements, the entry
  ///   of the first column, and one sum for each column, which is 0.
  func run(
    _ body:
      @Sendable (
        _ offset: Int, _ count: Int, _ entry: Int, _ sums: UnsafeMutablePointer<Double>
      ) -> Void
  ) {
    let parts = nest.outer * nest.blocks * partsPerUnit
    Parallelism.forEachRange(count: parts) {
      for part in $0 {
        let (unit, chunk) = part.quotientAndRemainder(dividingBy: partsPerUnit)
        let begin = chunk * length
        let sums = rows + part * nest.block
        sums.update(repeating: 0, count: nest.block)
        body(
          (unit * nest.inner + begin) * nest.block, min(length, nest.inner - begin),
          unit % nest.blocks * nest.block, sums)
      }
    }
    totals.update(repeating: 0, count: nest.parameterCount)
    for part in 0..<parts {
      let first = part / partsPerUnit % nest.blocks * nest.block
      for lane in 0..<nest.block { totals[first + lane] += rows[part * nest.block + lane] }
    }
  }
}
