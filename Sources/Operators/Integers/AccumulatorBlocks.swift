import CKernels
import Synchronization
import TensorCore

/// The sums of a layer, computed in blocks of columns: dot products that share their weights.
struct AccumulatorBlocks: Sendable {
  let layer: IntegerLayer
  let accumulator: NarrowAccumulator
  let geometry: ProductGeometry

  struct Counts {
    var products = 0
    var overflowed = 0
    var partial = 0
  }

  private static let lanes = Int(SNUG_ACCUMULATOR_LANES)

  /// Computes every sum.
  ///
  /// - Parameters:
  ///   - x: the layer's input, row-major.
  ///   - store: takes a sum as the register holds it, its channel, and the position of the output; called from
  ///     several threads.
  func run(
    _ x: UnsafePointer<Float>, _ store: (_ sum: Int64, _ channel: Int, _ position: Int) -> Void
  ) -> Counts {
    let blocks = (geometry.columns + Self.lanes - 1) / Self.lanes
    let overflowed = Atomic<Int>(0)
    let partial = Atomic<Int>(0)
    let isNarrow = layer.sumsFit32Bits
    nonisolated(unsafe) let x = x
    withoutActuallyEscaping(store) { store in
      nonisolated(unsafe) let store = store
      Parallelism.forEachRange(count: blocks * geometry.groups) { range in
        var counts = Counts()
        let narrow = Registers<Int32>(
          accumulator, exact: snug_accumulate_exact_i32,
          saturating: snug_accumulate_saturating_i32)
        let wide = Registers<Int64>(
          accumulator, exact: snug_accumulate_exact_i64,
          saturating: snug_accumulate_saturating_i64)
        var patch = [Int16](repeating: 0, count: geometry.dotLength * Self.lanes)
        for index in range {
          let (block, group) = (index / geometry.groups, index % geometry.groups)
          let start = block * Self.lanes
          let columns = start..<min(start + Self.lanes, geometry.columns)
          gather(x, columns, group: group, into: &patch)
          if isNarrow {
            sums(patch, columns, group, narrow, &counts, store)
          } else {
            sums(patch, columns, group, wide, &counts, store)
          }
        }
        overflowed.add(counts.overflowed, ordering: .relaxed)
        partial.add(counts.partial, ordering: .relaxed)
      }
    }
    return Counts(
      products: geometry.columns * geometry.groups * geometry.channels,
      overflowed: overflowed.load(ordering: .relaxed),
      partial: partial.load(ordering: .relaxed))
  }

  /// The integers that the columns of a block multiply: products x lanes, padding and missing columns zero.
  private func gather(
    _ x: UnsafePointer<Float>, _ columns: Range<Int>, group: Int, into patch: inout [Int16]
  ) {
    let low = Float(layer.inputRange.lowerBound)
    let high = Float(layer.inputRange.upperBound)
    // A value is its integer times the scale up to a rounding, so that this is off by far less than half.
    let perStep = 1 / layer.inputScale
    let first = group * geometry.inputs * geometry.inputSize
    var sources = [Int](repeating: -1, count: Self.lanes)
    patch.withUnsafeMutableBufferPointer { patch in
      for tap in 0..<geometry.taps {
        for lane in columns.indices {
          sources[lane - columns.lowerBound] = geometry.source(column: lane, tap: tap)
        }
        for input in 0..<geometry.inputs {
          let row = (input * geometry.taps + tap) * Self.lanes
          let channel = x + (first + input * geometry.inputSize)
          for lane in 0..<Self.lanes {
            let source = sources[lane]
            let value = source < 0 ? 0 : channel[source] * perStep
            // In this order NaN becomes the least integer.
            patch[row + lane] = Int16(min(max(low, value.rounded(.toNearestOrEven)), high))
          }
        }
      }
    }
  }

  private func sums<T>(
    _ patch: [Int16], _ columns: Range<Int>, _ group: Int, _ registers: Registers<T>,
    _ counts: inout Counts, _ store: (Int64, Int, Int) -> Void
  ) {
    let length = geometry.dotLength
    patch.withUnsafeBufferPointer { patch in
      layer.codes.withUnsafeBufferPointer { codes in
        guard let x = patch.baseAddress, let weights = codes.baseAddress else { return }
        for channel in group * geometry.channels..<(group + 1) * geometry.channels {
          registers.add(x, weights + channel * length, length)
          for column in columns {
            let result = registers.result(column - columns.lowerBound)
            counts.overflowed += result.overflowed ? 1 : 0
            counts.partial += result.partial ? 1 : 0
            store(result.sum, channel, geometry.destination(column: column, channel: channel))
          }
        }
      }
    }
  }
}

/// One register a lane, in a type that holds every partial sum.
private final class Registers<T: FixedWidthInteger & SignedInteger> {
  typealias Sums = UnsafeMutablePointer<T>
  typealias Exact = (
    UnsafePointer<Int16>, UnsafePointer<Int16>, Int, T, Sums, Sums, Sums
  ) -> Void
  typealias Saturating = (
    UnsafePointer<Int16>, UnsafePointer<Int16>, Int, T, T, T, Sums, Sums
  ) -> Void

  private let accumulator: NarrowAccumulator
  private let exact: Exact
  private let saturating: Saturating
  private var sums = [T](repeating: 0, count: Int(SNUG_ACCUMULATOR_LANES))
  private var least = [T](repeating: 0, count: Int(SNUG_ACCUMULATOR_LANES))
  private var greatest = [T](repeating: 0, count: Int(SNUG_ACCUMULATOR_LANES))
  private let low: T
  private let high: T

  init(_ accumulator: NarrowAccumulator, exact: @escaping Exact, saturating: @escaping Saturating) {
    self.accumulator = accumulator
    self.exact = exact
    self.saturating = saturating
    low = T(clamping: accumulator.range.lowerBound)
    high = T(clamping: accumulator.range.upperBound)
  }

  func add(_ x: UnsafePointer<Int16>, _ weights: UnsafePointer<Int16>, _ count: Int) {
    switch accumulator.overflow {
    case .saturate: saturating(x, weights, count, 0, low, high, &sums, &least)
    case .wrap, .count: exact(x, weights, count, 0, &sums, &least, &greatest)
    }
  }

  /// The sum that a lane's register holds, and whether it overflowed.
  func result(_ lane: Int) -> (sum: Int64, overflowed: Bool, partial: Bool) {
    let sum = Int64(sums[lane])
    switch accumulator.overflow {
    case .saturate:
      let isClamped = least[lane] != 0
      return (sum, isClamped, isClamped)
    case .wrap, .count:
      let isOutside = sums[lane] < low || sums[lane] > high
      return (
        accumulator.overflow == .wrap ? accumulator.wrapped(sum) : sum, isOutside,
        least[lane] < low || greatest[lane] > high
      )
    }
  }
}
