import AccumulatorBounds
import Verification

/// What the page's template shows; every number is text already.
struct PageView {
  struct Tile {
    let value: String
    let label: String
  }

  let title: String
  let path: String
  let format: String
  let verdict: String
  let verdictClass: String
  let summary: [String]
  let tiles: [Tile]
  let rows: [LayerView]
  let axis: [AxisTick]
  let cards: [ChannelsView]
  let hasCards: Bool
  let statement = Certificate.statement

  init(model: ModelSummary, result: VerificationResult) {
    let style = TextStyle()
    path = TextStyle.printable(model.path)
    title = path.split(separator: "/").last.map(String.init) ?? path
    var parts = [model.format.rawValue]
    if let opset = model.opset { parts.append("opset \(opset)") }
    parts.append("IR \(model.irVersion)")
    if !model.producer.isEmpty { parts.append("from \(TextStyle.printable(model.producer))") }
    format = parts.joined(separator: ", ")
    verdict = VerdictText.word(result)
    verdictClass = result.isCertified ? "good" : result.isRefuted ? "bad" : "open"
    summary = VerdictText.summary(result, style: style).split(separator: "\n").map(String.init)
    tiles = Self.tiles(result)

    let widest =
      result.layers.flatMap {
        [$0.targetBits, $0.requiredBits, $0.layer.dataTypeBits].compactMap { $0 }
      }.max() ?? 0
    let scale = Double(max(widest, 8))
    rows = result.layers.map { LayerView($0, scale: scale, style: style) }
    axis = AxisTick.ticks(upTo: scale)
    cards = result.layers.compactMap { ChannelsView($0, style: style) }
    hasCards = !cards.isEmpty
  }

  private static func tiles(_ result: VerificationResult) -> [Tile] {
    var tiles = [
      Tile(
        value: "\(result.layers.count(where: \.isCertified)) / \(result.layers.count)",
        label: "layers certified")
    ]
    if let required = result.layers.compactMap(\.requiredBits).max() {
      tiles.append(Tile(value: "\(required) bits", label: "widest accumulator required"))
    }
    if let types = result.layers.compactMap(\.layer.dataTypeBits).max() {
      tiles.append(Tile(value: "\(types) bits", label: "by the data types alone"))
    }
    let weights = result.layers.compactMap(\.layer.weight)
    let count = weights.reduce(0) { $0 + $1.elementCount }
    if count > 0 {
      let zeros = weights.reduce(0) { $0 + $1.zeroFraction * Double($1.elementCount) }
      tiles.append(Tile(value: Figures.percent(zeros / Double(count)), label: "weights are zero"))
    }
    return tiles
  }
}

/// A mark of the axis of bits.
struct AxisTick {
  let label: String
  let position: String

  static func ticks(upTo scale: Double) -> [AxisTick] {
    stride(from: 8, through: Int(scale), by: 8).map { bits in
      AxisTick(label: "\(bits)", position: Figures.css(Double(bits) / scale * 100))
    }
  }
}

/// One line of the chart and of the table.
struct LayerView {
  let name: String
  /// The name, shortened.
  let label: String
  let op: String
  let cells: [String]
  let verdict: String
  let verdictClass: String
  /// Lengths in per cent of the axis; `nil` draws nothing.
  let required: String?
  let dataType: String?
  let target: String?
  let caption: String

  init(_ verdict: LayerVerdict, scale: Double, style: TextStyle) {
    let layer = verdict.layer
    func length(_ bits: Int?) -> String? { bits.map { Figures.css(Double($0) / scale * 100) } }
    name = TextStyle.printable(layer.name)
    label = style.shortened(name, to: Figures.labelLength)
    op = layer.op
    cells = Array(LayerTable.inspectionCells(verdict, style).dropFirst(2).dropLast())
    self.verdict = VerdictText.word(verdict)
    verdictClass =
      verdict.isCertified
      ? "good" : verdict.findings.contains(where: \.isRefutation) ? "bad" : "open"
    required = length(verdict.requiredBits)
    dataType = length(layer.dataTypeBits)
    target = length(verdict.targetBits)
    caption =
      switch (verdict.requiredBits, verdict.targetBits) {
      case (let required?, let target?): "\(required) of \(target)"
      case (let required?, nil): "\(required)"
      case (nil, _): "not quantized"
      }
  }
}

/// How much of the accumulator's range each channel of a layer can use.
struct ChannelsView {
  let name: String
  /// The name, shortened.
  let label: String
  let caption: String
  let verdictClass: String
  /// Bars upwards for the greatest partial sum, downwards for the least, in units of the range's limits.
  let path: String
  let viewBox: String
  let right: String
  let counterexample: String?

  /// More channels than this share a bar, which shows the fullest of them.
  private static let barLimit = 256

  /// `nil` for a layer without channels or without a target.
  init?(_ verdict: LayerVerdict, style: TextStyle) {
    let channels = verdict.layer.channels
    guard !channels.isEmpty, let bits = verdict.targetBits,
      let range = AccumulatorRange(bits: bits)
    else { return nil }
    let uses = channels.map { channel in
      (
        up: Double(channel.worstCase.maximum) / Double(max(range.maximum, 1)),
        down: Double(channel.worstCase.minimum) / Double(range.minimum)
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
    name = TextStyle.printable(verdict.layer.name)
    label = style.shortened(name, to: Figures.labelLength)
    verdictClass = verdict.isCertified ? "good" : "bad"
    let share =
      fullest < 10
      ? "\(Figures.tenths(fullest * 100))\u{A0}%" : "\(Figures.tenths(fullest)) times the range"
    caption =
      "\(channels.count) channel\(channels.count == 1 ? "" : "s"), the fullest needs "
      + "\(share) of \(bits) bits"
    counterexample = CounterexampleText.paragraph(verdict, style: style)
  }
}

extension Figures {
  /// A number for CSS and SVG: two decimals, a point, no exponent.
  static func css(_ value: Double) -> String {
    let hundredths = Int((min(max(value, -1e9), 1e9) * 100).rounded())
    let digits = String(hundredths.magnitude)
    let padded = String(repeating: "0", count: max(3 - digits.count, 0)) + digits
    return "\(hundredths < 0 ? "-" : "")\(padded.dropLast(2)).\(padded.suffix(2))"
  }

  /// Characters of a layer's name beside a bar.
  static let labelLength = 32

  /// One decimal.
  static func tenths(_ value: Double) -> String {
    String(css((value * 10).rounded() / 10).dropLast())
  }
}
