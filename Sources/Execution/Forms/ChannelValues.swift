/// One float for each channel of a grid, 0 beyond the last one.
final class ChannelValues: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  private let capacity: Int

  init(_ grid: ChannelGrid, repeating value: Float = 0) {
    capacity = max(grid.paddedChannels, 1)
    pointer = .allocate(capacity: capacity)
    pointer.initialize(repeating: 0, count: capacity)
    pointer.update(repeating: value, count: grid.channels)
  }

  deinit { pointer.deallocate() }
}

/// Sums in double precision of each part of a grid, and their totals in the order of the parts.
final class PartialSums: @unchecked Sendable {
  private let rows: UnsafeMutablePointer<Double>
  private let width: Int
  private let parts: Int
  let totals: UnsafeMutablePointer<Double>

  init(parts: Int, width: Int) {
    self.parts = parts
    self.width = width
    rows = .allocate(capacity: max(parts * width, 1))
    totals = .allocate(capacity: max(width, 1))
  }

  deinit {
    rows.deallocate()
    totals.deallocate()
  }

  /// The sums of one part, set to 0.
  func row(_ part: Int) -> UnsafeMutablePointer<Double> {
    let row = rows + part * width
    row.update(repeating: 0, count: width)
    return row
  }

  func addUp() {
    totals.update(repeating: 0, count: width)
    for part in 0..<parts {
      let row = rows + part * width
      for index in 0..<width { totals[index] += row[index] }
    }
  }
}
