import GraphIR
import Operators
import Quantizers
import TensorCore

/// Collects ``InputMoments`` of one layer after the other, over the same positions of the quantized network, all
/// layers before it quantized, and of the float network.
struct MomentCollection {
  private let float: Graph
  private var floatWalk: LayerWalk

  /// - Throws: ``ConversionError`` where the graph has a cycle.
  init(_ layers: [DotProductLayer], runner: SampleRunner, float: Graph) throws(ConversionError) {
    self.float = float
    floatWalk = try LayerWalk(layers, runner: runner, graph: float)
  }

  /// Positions that give all that moments of K inputs need: many times K, and enough where K is small.
  static func positionLimit(length: Int) -> Int { max(4096, 16 * length) }

  /// The moments of a layer, one for each group of channels.
  struct Moments {
    /// By which integers are chosen.
    var fit: [InputMoments]
    /// Of every fourth batch, or of the last quarter of each of less, kept apart where there are few samples; empty where
    /// there are enough. Positions of one sample are alike: those that are kept apart must come from others, and a sample
    /// can be a batch by itself.
    var heldOut: [InputMoments]
  }

  /// One part in so many is held out where there are few positions.
  private static let heldOutShare = 4

  /// The moments of a layer, or `nil` where they are too large to hold or nothing was seen. The layers before it must have
  /// been passed.
  func moments(
    _ index: Int, of layer: DotProductLayer, in quantized: Graph, _ walk: LayerWalk
  ) throws(ConversionError) -> Moments? {
    guard let patches = InputPatches(layer, in: float),
      InputMoments.areFeasible(groups: patches.groups, length: patches.length),
      let floatData = layer.data(in: float), let data = layer.data(in: quantized)
    else { return nil }
    let step = try walk.step(in: quantized, to: data)
    let floatStep = try floatWalk.step(in: float, to: floatData)
    let limit = max(1, Self.positionLimit(length: patches.length) / max(step.batchCount, 1))
    let empty = [InputMoments](repeating: .init(length: patches.length), count: patches.groups)
    var (fit, heldOut) = (empty, empty)
    for batch in 0..<step.batchCount {
      var rows: [Float] = []
      var floatRows: [Float] = []
      var (count, floatCount) = (0, 0)
      try step.observe(data, batch: batch) {
        count = patches.copy($0, shape: $1, limit: limit, into: &rows)
      }
      try floatStep.observe(floatData, batch: batch) {
        floatCount = patches.copy($0, shape: $1, limit: limit, into: &floatRows)
      }
      guard count == floatCount else { continue }
      // Positions of one batch in the order of its samples; where all batches give as many, they are enough.
      let isEnough =
        count * step.batchCount >= OutputErrorQuantizer.samplesPerWeight * patches.length
      let kept =
        isEnough
        ? count
        : step.batchCount < Self.heldOutShare
          ? count - count / Self.heldOutShare
          : batch % Self.heldOutShare == Self.heldOutShare - 1 ? 0 : count
      let width = patches.groups * patches.length
      Self.add(rows[..<(kept * width)], floatRows[..<(kept * width)], count: kept, to: &fit)
      Self.add(
        rows[(kept * width)...], floatRows[(kept * width)...], count: count - kept, to: &heldOut)
    }
    guard fit.allSatisfy({ $0.count > 0 }) else { return nil }
    return Moments(fit: fit, heldOut: heldOut.allSatisfy { $0.count > 0 } ? heldOut : [])
  }

  mutating func advance(past index: Int) throws(ConversionError) {
    try floatWalk.advance(past: index, in: float)
  }

  private static func add(
    _ rows: ArraySlice<Float>, _ floatRows: ArraySlice<Float>, count: Int,
    to moments: inout [InputMoments]
  ) {
    guard count > 0, let length = moments.first?.length else { return }
    let width = moments.count * length
    rows.withUnsafeBufferPointer { rows in
      floatRows.withUnsafeBufferPointer { floatRows in
        moments.withUnsafeMutableBufferPointer { moments in
          guard let row = rows.baseAddress, let floatRow = floatRows.baseAddress else { return }
          Parallelism.forEachRange(count: moments.count, sharing: moments, row, floatRow) {
            range, moments, row, floatRow in
            for group in range {
              moments[group].add(
                quantized: row + group * length, float: floatRow + group * length, rows: count,
                stride: width)
            }
          }
        }
      }
    }
  }
}
