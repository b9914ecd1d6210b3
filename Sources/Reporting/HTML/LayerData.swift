import AccumulatorBounds
import TensorCore
import Verification

/// What the page's script draws of one layer. Its size doesn't grow with the layer's: channels and integers share bars where
/// there are many.
struct LayerData {
  let verdict: LayerVerdict
  let loss: LayerComparison?
  /// The largest number of bars for channels.
  let channelBars: Int
  let style: TextStyle

  var json: JSONValue {
    [
      "name": .string(verdict.layer.name.printable),
      "headroom": verdict.headroom.map { JSONValue($0) } ?? .null,
      "weights": WeightHistogram(verdict.layer)?.json ?? .null,
      "registers": .array(registers.map(\.json)),
      "activations": loss?.activations?.json ?? .null,
      "loss": .array(losses),
      "counterexample": CounterexampleText.paragraph(verdict, style: style).map { .string($0) }
        ?? .null,
    ]
  }

  /// The registers that add the layer's products: one, or with tiles those of a tile and the one that adds the tiles.
  private var registers: [ChannelBars] {
    let channels = verdict.layer.channels
    guard !channels.isEmpty else { return [] }
    let isTarget = verdict.targetBits != nil
    guard let bits = verdict.targetBits ?? verdict.requiredBits else { return [] }
    guard let tiles = verdict.tiles else {
      let register = isTarget ? "" : ", which is what they need: there is no target"
      return [
        ChannelBars(
          verdict, channels.map(\.worstCase), bits: bits, register: register, limit: channelBars)
      ].compactMap { $0 }
    }
    return [
      ChannelBars(
        verdict, tiles.channels.map(\.inner), bits: bits,
        register: " in tiles of \(tiles.size)\(Self.order(of: tiles.tiling))", limit: channelBars),
      ChannelBars(
        verdict, tiles.channels.map(\.outer), bits: tiles.outerBits, register: " behind the tiles",
        limit: channelBars),
    ].compactMap { $0 }
  }

  /// Which products share a tile, where these aren't runs of the stored weights.
  private static func order(of tiling: Tiling) -> String {
    tiling.orders == [.stored]
      ? "" : " (\(tiling.orders.map(\.rawValue).joined(separator: ", ")))"
  }

  /// What a comparison found, as pairs of names and figures; empty where there was none.
  private var losses: [JSONValue] {
    guard let loss else { return [] }
    return zip(LayerComparison.cellTitles, loss.cells(style)).map {
      .array([.string($0), .string($1)])
    }
  }
}

/// The extremes of one register in each channel.
struct ChannelBars {
  /// A channel, or the fullest of several.
  struct Bar: Hashable {
    let channel: Int
    let minimum, maximum: Int128
    /// The sum of the positive integers, and that of the negative ones' magnitudes.
    let sums: SignSums
    /// The norm up to which a balanced channel fits.
    let budget: Int64?
  }

  let caption: String
  let range: AccumulatorRange
  let channelCount: Int
  let bars: [Bar]

  /// - Parameters:
  ///   - channels: the extremes of each channel's register.
  ///   - bits: the register's width in bits.
  ///   - register: the text after the width that says which register it is.
  ///   - limit: of bars; one of several channels shows the fullest of them.
  init?(
    _ verdict: LayerVerdict, _ channels: [WorstCase], bits: Int, register: String = "", limit: Int
  ) {
    guard let range = AccumulatorRange(bits: bits), !channels.isEmpty else { return nil }
    func use(_ index: Int) -> Double {
      max(
        Double(channels[index].maximum) / Double(max(range.maximum, 1)),
        Double(channels[index].minimum) / Double(range.minimum))
    }
    let count = min(channels.count, max(limit, 1))
    bars = (0..<count).map { bar in
      let own = bar * channels.count / count..<(bar + 1) * channels.count / count
      let fullest = own.max { use($0) < use($1) } ?? own.lowerBound
      return Bar(
        channel: fullest, minimum: channels[fullest].minimum, maximum: channels[fullest].maximum,
        sums: verdict.layer.channels[fullest].sums, budget: verdict.normBudget(ofChannel: fullest))
    }
    let fullest = channels.indices.map(use).max() ?? 0
    let share =
      fullest < 10
      ? "\(Figures.tenths(fullest * 100))\u{A0}%" : "\(Figures.tenths(fullest)) times the range"
    caption =
      "\(channels.count) channel\(channels.count == 1 ? "" : "s"), the fullest needs "
      + "\(share) of \(bits) bits\(register)"
    self.range = range
    channelCount = channels.count
  }

  var json: JSONValue {
    [
      "caption": .string(caption), "low": .exact(range.minimum), "high": .exact(range.maximum),
      "channels": JSONValue(channelCount),
      "bars": .array(
        bars.map { bar in
          .array([
            JSONValue(bar.channel), .exact(bar.minimum), .exact(bar.maximum),
            .exact(bar.sums.positive), .exact(bar.sums.negative),
            bar.budget.map { .exact($0) } ?? .null,
          ])
        }),
    ]
  }
}

/// How often each integer stands in a layer's weight.
struct WeightHistogram {
  /// The least integer of the first bar.
  private(set) var first = 0
  /// Integers that share a bar.
  private(set) var step = 1
  private(set) var counts: [Int] = []

  /// The widest weights whose integers are counted.
  private static let widest = 16
  private static let barLimit = 256

  /// `nil` without a constant weight, and where its integers are very wide.
  init?(_ layer: LayerAnalysis) {
    guard let bits = layer.weight?.bits, bits <= Self.widest else { return nil }
    // Less a zero point, an integer is within one more bit and a sign.
    let reach = 1 << (bits + 1)
    var found = [Int](repeating: 0, count: 2 * reach + 1)
    for channel in layer.channels.indices {
      for integer in layer.integers(ofChannel: channel) ?? [] {
        let place = Int(integer) + reach
        guard found.indices.contains(place) else { return nil }
        found[place] += 1
      }
    }
    guard let low = found.firstIndex(where: { $0 > 0 }),
      let high = found.lastIndex(where: { $0 > 0 })
    else { return nil }
    first = low - reach
    step = (high - low) / Self.barLimit + 1
    counts = stride(from: low, through: high, by: step).map { start in
      found[start..<min(start + step, found.count)].reduce(0, +)
    }
  }

  var json: JSONValue {
    [
      "first": JSONValue(first), "step": JSONValue(step),
      "counts": .array(counts.map { JSONValue($0) }),
    ]
  }
}

extension JSONValue {
  /// An integer that a script reads without loss: as text where it is beyond what its numbers hold exactly.
  fileprivate static func exact(_ value: some BinaryInteger) -> JSONValue {
    value.magnitude <= 1 << 53 ? JSONValue(value) : .string("\(value)")
  }
}
