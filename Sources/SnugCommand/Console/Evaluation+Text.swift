import Snug

extension Evaluation: PrintableReport {
  /// The result on one line: `top-1 83.9 %, top-5 99.2 %, loss 0.512 (5000 samples in 1.2 s)`.
  func text(style: TextStyle) -> String {
    var parts = [metricText]
    if let top5 { parts.append("top-5 \(top5.formatted(digits: 2)) %") }
    if let loss { parts.append("loss \(loss.formatted(digits: 4))") }
    let rate = "\(samples) samples in \(seconds.formatted(digits: 2)) s"
    let line = "\(parts.joined(separator: ", ")) (\(rate))"
    return ([line] + (overflow?.lines ?? [])).joined(separator: "\n")
  }

  /// The metric alone, with its unit.
  var metricText: String {
    switch metric {
    case .top1: "top-1 \(value.formatted(digits: 2)) %"
    case .psnr: "PSNR \(value.formatted(digits: 2)) dB"
    case .mse: "mean squared error \(value)"
    }
  }
}

extension OverflowReport {
  /// The total, then each layer in which something overflowed.
  fileprivate var lines: [String] {
    let what = overflow == .saturate ? "saturated" : "overflowed"
    let overflowing = layers.filter { $0.counts.partiallyOverflowed > 0 }
    let registers = "\(accumulatorBits)-bit accumulators"
    let tiled = layers.count { $0.tiles != nil }
    let stages = tiled == 0 ? "" : " (\(tiled) of them in tiles)"
    return ["\(registers) in \(layers.count) layers\(stages): \(text(total)) \(what)"]
      + overflowing.map { "  \($0.name.printable): \(text($0))\(stageText($0))" }
  }

  private func text(_ layer: Layer) -> String {
    let share = (layer.share * 100).formatted(digits: 4)
    let partial =
      overflow == .saturate ? "" : ", \(layer.counts.partiallyOverflowed) counting partial sums"
    return "\(layer.counts.overflowed) of \(layer.counts.dotProducts) (\(share) %\(partial))"
  }

  /// Which of a tiled layer's registers overflowed.
  private func stageText(_ layer: Layer) -> String {
    guard let tiles = layer.tiles else { return "" }
    return "; \(layer.counts.inTiles) in tiles of \(tiles.size), "
      + "\(layer.counts.inOuter) in \(tiles.outerBits) bits behind them"
  }
}
