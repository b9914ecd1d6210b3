/// The gradient of a broadcast operand: that of the output, summed over the axes along which it was repeated.
///
/// Row-major; sums are in double precision.
struct BroadcastSum: Sendable {
  private let rows: BroadcastRows
  private let count: Int

  /// - Precondition: `shape` broadcasts to `output`.
  init(_ shape: [Int], output: [Int]) {
    rows = BroadcastRows(shape, output, output: output)
    count = shape.reduce(1, *)
  }

  /// Bytes of memory that ``run(_:factor:sums:into:)`` works in.
  var scratchByteCount: Int { max(count, 1) * MemoryLayout<Double>.size }

  /// Writes `factor` times the sums.
  func run(
    _ gradient: UnsafePointer<Float>, factor: Float = 1, sums: UnsafeMutablePointer<Double>,
    into target: UnsafeMutablePointer<Float>
  ) {
    sums.update(repeating: 0, count: count)
    rows.forEach(0..<rows.count) { _, to, from in
      for i in 0..<rows.length {
        sums[to + i * rows.stepA] += Double(gradient[from + i * rows.stepB])
      }
    }
    for i in 0..<count { target[i] = factor * Float(sums[i]) }
  }
}
