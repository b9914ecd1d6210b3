import AccumulatorBounds
import TensorCore
import Verification

/// A card of the page that shows how much of its accumulators' ranges each channel of a layer can use.
struct ChannelsView {
  let name: String
  /// The name, shortened.
  let label: String
  let verdictClass: String
  /// The plot of the accumulator; with tiles, those of a tile's register and of the register that adds the tiles.
  let plots: [ChannelPlot]
  let counterexample: String?

  /// Gives `nil` for a layer without channels or without a target.
  init?(_ verdict: LayerVerdict, style: TextStyle) {
    let channels = verdict.layer.channels
    guard !channels.isEmpty, let bits = verdict.targetBits else { return nil }
    if let tiles = verdict.tiles {
      plots = [
        ChannelPlot(
          tiles.channels.map(\.inner), bits: bits,
          register: " in tiles of \(tiles.size)\(Self.order(of: tiles.tiling))"),
        ChannelPlot(
          tiles.channels.map(\.outer), bits: tiles.outerBits, register: " behind the tiles"),
      ].compactMap { $0 }
    } else {
      plots = [ChannelPlot(channels.map(\.worstCase), bits: bits)].compactMap { $0 }
    }
    guard !plots.isEmpty else { return nil }
    name = verdict.layer.name.printable
    label = style.shortened(name, to: Figures.labelLength)
    verdictClass = verdict.isCertified ? "good" : "bad"
    counterexample = CounterexampleText.paragraph(verdict, style: style)
  }

  /// Which products share a tile, where these aren't runs of the stored weights.
  private static func order(of tiling: Tiling) -> String {
    tiling.orders == [.stored]
      ? "" : " (\(tiling.orders.map(\.rawValue).joined(separator: ", ")))"
  }
}

/// The extremes of one register in each channel, as shares of its range.
struct ChannelPlot {
  let caption: String
  /// An SVG path of bars, upwards for the greatest partial sum and downwards for the least, in per cent of the
  /// range's limits.
  let path: String
  let viewBox: String
  let right: String

  /// The largest number of bars; a bar of several channels shows the fullest of them.
  private static let barLimit = 256

  /// - Parameters:
  ///   - channels: the extremes of each channel's register.
  ///   - bits: the register's width in bits.
  ///   - register: the text after the width that says which register it is.
  init?(_ channels: [WorstCase], bits: Int, register: String = "") {
    guard let range = AccumulatorRange(bits: bits) else { return nil }
    let uses = channels.map { channel in
      (
        up: Double(channel.maximum) / Double(max(range.maximum, 1)),
        down: Double(channel.minimum) / Double(range.minimum)
      )
    }
    let count = min(uses.count, Self.barLimit)
    let bars = (0..<count).map { bar in
      uses[bar * uses.count / count..<(bar + 1) * uses.count / count].reduce((0.0, 0.0)) {
        (max($0.0, $1.up), max($0.1, $1.down))
      }
    }
    path = bars.enumerated().map { index, bar in
      "M\(index) 0V\(Figures.css(-bar.0 * 100))h1V\(Figures.css(bar.1 * 100))h-1z"
    }.joined()
    let fullest = uses.reduce(0) { max($0, $1.up, $1.down) }
    let height = max(fullest, 1) * 108
    viewBox = "0 \(Figures.css(-height)) \(count) \(Figures.css(2 * height))"
    right = "\(count)"
    let share =
      fullest < 10
      ? "\(Figures.tenths(fullest * 100))\u{A0}%" : "\(Figures.tenths(fullest)) times the range"
    caption =
      "\(channels.count) channel\(channels.count == 1 ? "" : "s"), the fullest needs "
      + "\(share) of \(bits) bits\(register)"
  }
}
