import CKernels
import Execution
import GraphIR
import Synchronization
import TensorCore

/// The sums of a layer, computed in blocks of columns: dot products that share their weights.
struct AccumulatorBlocks: Sendable {
  let layer: IntegerLayer
  let accumulator: NarrowAccumulator
  let geometry: ProductGeometry

  private static let lanes = Int(SNUG_ACCUMULATOR_LANES)

  /// - Throws: ``OperatorError/mismatch(what:expected:actual:)`` where the layer has other sums than the node.
  init(_ layer: IntegerLayer, _ accumulator: NarrowAccumulator, _ geometry: ProductGeometry)
    throws(KernelError)
  {
    guard geometry.dotLength == layer.dotLength,
      geometry.channels * geometry.groups == layer.scales.count
    else {
      throw .operator(
        .mismatch(
          what: "products of one sum", expected: "\(layer.dotLength)",
          actual: "\(geometry.dotLength)"))
    }
    self.layer = layer
    self.accumulator = accumulator
    self.geometry = geometry
  }

  /// Computes every sum.
  ///
  /// - Parameters:
  ///   - x: the layer's input, row-major.
  ///   - store: takes a sum as the register holds it, its channel, and the position of the output; called from
  ///     several threads.
  func run(
    _ x: some AccumulatorInput, _ store: (_ sum: Int64, _ channel: Int, _ position: Int) -> Void
  ) -> OverflowCounts {
    let blocks = (geometry.columns + Self.lanes - 1) / Self.lanes
    let total = Mutex(OverflowCounts())
    let isNarrow = layer.sumsFit32Bits
    withoutActuallyEscaping(store) { store in
      nonisolated(unsafe) let store = store
      Parallelism.forEachRange(count: blocks * geometry.groups) { range in
        var counts = OverflowCounts()
        let narrow = AccumulatorRegisters<Int32>(accumulator)
        let wide = AccumulatorRegisters<Int64>(accumulator)
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
        total.withLock { $0 += counts }
      }
    }
    return total.withLock { $0 }
  }

  /// The integers that the columns of a block multiply: products x lanes, padding and missing columns zero.
  private func gather(
    _ x: some AccumulatorInput, _ columns: Range<Int>, group: Int, into patch: inout [Int16]
  ) {
    let first = group * geometry.inputs * geometry.inputSize
    var sources = [Int](repeating: -1, count: Self.lanes)
    patch.withUnsafeMutableBufferPointer { patch in
      for tap in 0..<geometry.taps {
        for lane in columns.indices {
          sources[lane - columns.lowerBound] = geometry.source(column: lane, tap: tap)
        }
        for input in 0..<geometry.inputs {
          let product =
            layer.storesInputsLast
            ? tap * geometry.inputs + input : input * geometry.taps + tap
          let row = product * Self.lanes
          let channel = first + input * geometry.inputSize
          for lane in 0..<Self.lanes {
            let source = sources[lane]
            patch[row + lane] = source < 0 ? 0 : x.integer(at: channel + source)
          }
        }
      }
    }
  }

  private func sums<T>(
    _ patch: [Int16], _ columns: Range<Int>, _ group: Int, _ registers: AccumulatorRegisters<T>,
    _ counts: inout OverflowCounts, _ store: (Int64, Int, Int) -> Void
  ) {
    let length = geometry.dotLength
    patch.withUnsafeBufferPointer { patch in
      layer.codes.withUnsafeBufferPointer { codes in
        guard let x = patch.baseAddress, let weights = codes.baseAddress else { return }
        for channel in group * geometry.channels..<(group + 1) * geometry.channels {
          registers.add(x, weights + channel * length, length, startingAt: layer.bias(channel))
          for column in columns {
            let sum = registers.result(column - columns.lowerBound, &counts)
            store(sum, channel, geometry.destination(column: column, channel: channel))
          }
        }
      }
    }
  }
}
