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

  /// The last word on a channel: its integers meet the budget, by repair where they don't yet.
  ///
  /// - Parameters:
  ///   - budget: feasible.
  ///   - sums: the integers by sign.
  ///   - fill: writes the integers, for where there is no buffer for them.
  func meet(
    _ budget: AccumulatorBudget, sums: SignSums, row: UnsafeBufferPointer<Float>, scale: Float,
    _ summary: inout QuantizationSummary, fill: (UnsafeMutableBufferPointer<Int8>) -> Void
  ) {
    if budget.tiling == nil, budget.channel.contains(sums) { return }
    let units = withCodes(count: row.count, fill: fill) { codes in
      let units = IntegerRepair(budget: budget).apply(to: codes, row: row, scale: scale)
      if units > 0, let values {
        for index in codes.indices { values[index] = Float(codes[index]) * scale }
      }
      return units
    }
    if units > 0 {
      summary.repairedChannels += 1
      summary.repairedUnits += units
    }
  }

  private func withCodes<Result>(
    count: Int, fill: (UnsafeMutableBufferPointer<Int8>) -> Void,
    _ body: (UnsafeMutableBufferPointer<Int8>) -> Result
  ) -> Result {
    if let codes { return body(codes) }
    return withUnsafeTemporaryAllocation(of: Int8.self, capacity: count) { codes in
      fill(codes)
      return body(codes)
    }
  }
}
