import TensorCore

extension ScratchBuffer<Float> {
  /// One float for each channel of a grid, 0 beyond the last one.
  convenience init(_ grid: ChannelGrid, repeating value: Float = 0) {
    self.init(count: grid.paddedChannels, repeating: 0)
    pointer.update(repeating: value, count: grid.channels)
  }
}

/// Sums in double precision of each part of a grid, and their totals in the order of the parts.
final class PartialSums: @unchecked Sendable {
  private let rows: ScratchBuffer<Double>
  private let width: Int
  private let parts: Int
  private let sums: ScratchBuffer<Double>
  var totals: UnsafeMutablePointer<Double> { sums.pointer }

  init(parts: Int, width: Int) {
    self.parts = parts
    self.width = width
    rows = ScratchBuffer(uninitializedCount: parts * width)
    sums = ScratchBuffer(uninitializedCount: width)
  }

  /// The sums of one part, set to 0.
  func row(_ part: Int) -> UnsafeMutablePointer<Double> {
    let row = rows.pointer + part * width
    row.update(repeating: 0, count: width)
    return row
  }

  func addUp() {
    totals.update(repeating: 0, count: width)
    for part in 0..<parts {
      let row = rows.pointer + part * width
      for index in 0..<width { totals[index] += row[index] }
    }
  }
}
