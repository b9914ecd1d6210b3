import AccumulatorBounds
import TensorCore
import Verification

/// What the page's template shows, with every number as text.
struct PageView {
  let title: String
  let verdict: String
  let models: [ModelView]
  /// `nil` for a single model.
  let together: SideBySide?
  /// What the script draws, as JSON that no text in it can end.
  let data: String
  let head = PageStyle.head
  let style = PageStyle.css
  let script = TableScript.text + "\n" + ModelScript.text
  let statement = Certificate.statement

  /// Bars of channels in the whole page, which all layers share.
  private static let barLimit = 16_384
  private static let bars = 8...128

  init(_ subjects: [ModelPage.Subject]) {
    let style = TextStyle()
    let count = subjects.reduce(0) { $0 + $1.report.result.layers.count }
    let bars = min(max(Self.barLimit / max(count, 1), Self.bars.lowerBound), Self.bars.upperBound)
    models = subjects.enumerated().map {
      ModelView($1, index: $0, isAlone: subjects.count == 1, bars: bars, style)
    }
    title = models.map(\.title).joined(separator: ", ")
    verdict = models.count == 1 ? models[0].verdict : "\(models.count) models"
    together =
      subjects.count > 1
      ? SideBySide(
        subjects, titles: models.map(\.title), tiles: models.map(\.tiles), style) : nil
    data = JSONValue(models.map(\.data)).text().replacing("<", with: "\\u003c")
  }
}

/// One model of the page.
struct ModelView {
  struct Tile {
    let value: String
    let label: String
  }

  let index: Int
  let title: String
  /// The title where there are several models.
  let heading: String?
  let path: String
  let format: String
  /// What the model takes and gives; `nil` where that isn't known.
  let ports: String?
  let verdict: String
  let verdictClass: String
  let summary: [String]
  let tiles: [Tile]
  /// The headings of the table of layers.
  let headings: [String]
  let rows: [LayerView]
  /// How to read the table's columns.
  let notes: [String]
  /// Whether any layer is summed in tiles.
  let hasTiles: Bool
  let axis: [AxisTick]
  /// What its conversion didn't hold to the width that was asked for; `nil` where there is nothing.
  let unheld: UnheldText?
  /// What it loses; `nil` where that wasn't measured.
  let losses: LossView?
  let provenance: ProvenanceView
  let data: JSONValue

  init(
    _ subject: ModelPage.Subject, index: Int, isAlone: Bool, bars: Int, _ style: TextStyle
  ) {
    let report = subject.report
    let (model, result, outputCounts) = (report.model, report.result, report.outputCounts)
    self.index = index
    unheld =
      report.unheld.isEmpty ? nil : UnheldText(report.unheld, of: result.layers.count)
    path = model.path.printable
    title = path.split(separator: "/").last.map(String.init) ?? path
    heading = isAlone ? nil : title
    var parts = [model.format.rawValue]
    if let opset = model.opset { parts.append("opset \(opset)") }
    parts.append("IR \(model.irVersion)")
    if !model.producer.isEmpty { parts.append("from \(model.producer.printable)") }
    format = parts.joined(separator: ", ")
    ports = report.ports.sentence
    verdict = VerdictText.word(result)
    verdictClass = result.isCertified ? "good" : result.isRefuted ? "bad" : "open"
    summary = VerdictText.summary(result, style: style).split(separator: "\n").map(String.init)
    tiles = Self.tiles(result, ModelCost(result.layers, outputCounts: outputCounts))

    let widest =
      result.layers.flatMap {
        [
          $0.targetBits, $0.requiredBits, $0.layer.dataTypeBits, $0.tiles?.outerBits,
          $0.tiles?.outerRequiredBits,
        ].compactMap { $0 }
      }.max() ?? 0
    let scale = Double(max(widest, 8))
    let columns = InspectionColumn.columns(of: result.layers, in: .page, style)
    headings = columns.map(\.column.title)
    notes = columns.compactMap(\.note)
    hasTiles = result.layers.contains { $0.tiles != nil }
    rows = result.layers.enumerated().map {
      LayerView($1, index: $0, scale: scale, columns: columns, style: style)
    }
    axis = AxisTick.ticks(upTo: scale)
    losses = subject.comparison.map { LossView($0) }
    provenance = ProvenanceView(report, subject.comparison)
    let lossOf = Dictionary(
      (subject.comparison?.layers ?? []).map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    data = [
      "title": .string(title), "compared": .bool(subject.comparison != nil),
      "layers": .array(
        result.layers.map {
          LayerData(verdict: $0, loss: lossOf[$0.layer.name], channelBars: bars, style: style).json
        }),
    ]
  }

  private static func tiles(_ result: VerificationResult, _ cost: ModelCost) -> [Tile] {
    var tiles = [
      Tile(
        value: "\(result.layers.count(where: \.isCertified)) / \(result.layers.count)",
        label: "layers certified")
    ]
    if let required = result.layers.compactMap(\.requiredBits).max() {
      tiles.append(Tile(value: "\(required) bits", label: "widest accumulator required"))
    }
    if let outer = result.layers.compactMap(\.tiles?.outerRequiredBits).max() {
      tiles.append(Tile(value: "\(outer) bits", label: "widest register behind tiles required"))
    }
    if let types = result.layers.compactMap(\.layer.dataTypeBits).max() {
      tiles.append(Tile(value: "\(types) bits", label: "by the data types alone"))
    }
    let biased = result.layers.count { $0.layer.bias != nil }
    if biased > 0 {
      tiles.append(
        Tile(value: "\(biased) / \(result.layers.count)", label: "layers include their bias"))
    }
    let weights = result.layers.compactMap(\.layer.weight)
    let count = weights.reduce(0) { $0 + $1.elementCount }
    if count > 0 {
      let zeros = weights.reduce(0) { $0 + $1.zeroFraction * Double($1.elementCount) }
      tiles.append(Tile(value: Figures.percent(zeros / Double(count)), label: "weights are zero"))
    }
    for (path, label) in [
      (\LayerCost.products, "products a sample"), (\.bitOperations, "bit operations a sample"),
      (\.weightBytes, "bytes of weights"), (\.luts, "LUTs in FINN's units, estimated"),
    ] as [(KeyPath<LayerCost, Int?>, String)] {
      guard let total = cost.total(path) else { continue }
      tiles.append(Tile(value: Figures.short(total), label: label))
    }
    return tiles
  }
}

/// A mark on the axis of bits.
struct AxisTick {
  let label: String
  let position: String

  static func ticks(upTo scale: Double) -> [AxisTick] {
    stride(from: 8, through: Int(scale), by: 8).map { bits in
      AxisTick(label: "\(bits)", position: Figures.css(Double(bits) / scale * 100))
    }
  }
}

/// A cell of the strip, a row of the chart, and one of the table.
struct LayerView {
  /// Among the model's layers.
  let index: Int
  let name: String
  /// The name, shortened.
  let label: String
  /// The cells of the table but for the first, which is the name.
  let cells: [String]
  let verdictClass: String
  /// The colour of the strip, and what stands on it.
  let strip: String
  let mark: String
  /// The required width as a length in per cent of the axis; `nil` draws nothing.
  let required: String?
  /// The width that the data types demand, in the same form.
  let dataType: String?
  /// The target width, in the same form.
  let target: String?
  /// The required width of the register that adds tiles, in the same form.
  let outerRequired: String?
  /// The width of the register that adds tiles, in the same form.
  let outerWidth: String?
  let caption: String

  init(
    _ verdict: LayerVerdict, index: Int, scale: Double, columns: [InspectionColumn],
    style: TextStyle
  ) {
    let layer = verdict.layer
    self.index = index
    func length(_ bits: Int?) -> String? { bits.map { Figures.css(Double($0) / scale * 100) } }
    name = layer.name.printable
    label = style.shortened(name, to: Figures.labelLength)
    cells = columns.dropFirst().map { $0.cell(verdict, style).printable }
    verdictClass =
      verdict.isCertified
      ? "good" : verdict.findings.contains(where: \.isRefutation) ? "bad" : "open"
    (strip, mark) = Self.strip(verdict.headroom, style)
    required = length(verdict.requiredBits)
    dataType = length(layer.dataTypeBits)
    target = length(verdict.targetBits)
    let tiles = verdict.tiles
    outerRequired = length(tiles?.outerRequiredBits)
    outerWidth = length(tiles?.outerBits)
    let outer = tiles.map { ", then \($0.outerRequiredBits) of \($0.outerBits)" } ?? ""
    caption =
      switch (verdict.requiredBits, verdict.targetBits) {
      case (let required?, let target?): "\(required) of \(target)\(outer)"
      case (let required?, nil): "\(required)"
      case (nil, _): "not quantized"
      }
  }

  /// Classes of headroom in bits, the fullest first.
  private static func strip(_ headroom: Int?, _ style: TextStyle) -> (String, String) {
    switch headroom {
    case nil: ("none", style.none)
    case let bits? where bits < 0: ("over", "\(bits)")
    case let bits? where bits < 2: ("h\(bits)", "\(bits)")
    case let bits? where bits < 4: ("h2", "\(bits)")
    case let bits? where bits < 8: ("h4", "\(bits)")
    case let bits?: ("h8", "\(bits)")
    }
  }
}

extension Figures {
  /// A number for CSS and SVG, with two decimals after a point and without an exponent.
  static func css(_ value: Double) -> String {
    let hundredths = Int((min(max(value, -1e9), 1e9) * 100).rounded())
    let digits = String(hundredths.magnitude)
    let padded = String(repeating: "0", count: max(3 - digits.count, 0)) + digits
    return "\(hundredths < 0 ? "-" : "")\(padded.dropLast(2)).\(padded.suffix(2))"
  }

  /// The largest number of characters of a layer's name beside a bar.
  static let labelLength = 32

  /// A number with one decimal.
  static func tenths(_ value: Double) -> String {
    String(css((value * 10).rounded() / 10).dropLast())
  }
}
