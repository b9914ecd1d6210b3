import AccumulatorBounds

/// Where one channel's results go.
struct RowOutput {
  let codes: UnsafeMutableBufferPointer<Int8>?
  let values: UnsafeMutableBufferPointer<Float>?
  private let scale: UnsafeMutablePointer<Float>?

  init(_ channel: Int, of layer: WeightLayer, in output: QuantizedBuffers) {
    codes = output.codes.map { layer.row(channel, of: $0) }
    values = output.values.map { layer.row(channel, of: $0) }
    scale = output.scales?.baseAddress.map { $0 + channel }
  }

  func setScale(_ value: Float) { scale?.pointee = value }

  func clear() {
    codes?.update(repeating: 0)
    values?.update(repeating: 0)
  }

  /// Calls `body` with the buffer for the integers, or with a temporary one of `count`.
  func withCodes(count: Int, _ body: (UnsafeMutableBufferPointer<Int8>) -> Void) {
    if let codes { return body(codes) }
    withUnsafeTemporaryAllocation(of: Int8.self, capacity: count, body)
  }

  /// The last word on a channel: its integers meet the budget, by repair where they don't yet.
  ///
  /// - Parameters:
  ///   - budget: feasible.
  ///   - codes: the integers, which `values` follow where they change.
  func meet(
    _ budget: AccumulatorBudget, row: UnsafeBufferPointer<Float>, scale: Float,
    codes: UnsafeMutableBufferPointer<Int8>, _ summary: inout QuantizationSummary
  ) {
    let units = IntegerRepair(budget: budget).apply(to: codes, row: row, scale: scale)
    guard units > 0 else { return }
    summary.repairedChannels += 1
    summary.repairedUnits += units
    if let values {
      for index in codes.indices { values[index] = Float(codes[index]) * scale }
    }
  }
}
