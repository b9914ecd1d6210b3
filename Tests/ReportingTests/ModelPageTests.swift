import GraphIR
import TensorCore
import TestSupport
import Testing
import Verification

@testable import Reporting

@Suite struct ModelPageTests {
  static func page(_ model: Model, bits: Int? = nil) throws -> String {
    ModelPage([ModelPage.Subject(report: try report(model, bits: bits))]).html
  }

  static func report(_ model: Model, bits: Int? = nil) throws -> InspectionReport {
    InspectionReport(
      model: ModelSummary(model, path: "models/model.onnx"),
      result: try Verifier.verify(model, accumulatorBits: bits))
  }

  /// A page without the style and the scripts that its template takes in.
  static func bare(_ page: String) -> String {
    [
      (PageStyle.css, "style"), (TableScript.text, "script of tables"),
      (ModelScript.text, "script of models"), (SweepTemplate.script, "script of sweeps"),
    ]
    .reduce(page) { $0.replacing($1.0, with: "… \($1.1) …") }
  }

  /// What the script draws.
  static func data(_ page: String) throws -> JSONValue {
    let start = try #require(page.range(of: #"id="data">"#)?.upperBound)
    let end = try #require(page[start...].range(of: "</script>")?.lowerBound)
    return try JSONValue(parsing: String(page[start..<end]))
  }

  @Test func `the page of a partly refuted model`() throws {
    let page = try Self.page(SampleModels.mixed(hiddenTarget: 7))
    try SnapshotTests.check(Self.bare(page), "report-mixed.html")
  }

  @Test func `the page loads nothing from elsewhere`() throws {
    let page = try Self.page(SampleModels.mixed())
    for forbidden in ["src=", "@import", "url(", "href=\"http", "fetch(", "XMLHttpRequest"] {
      #expect(!page.contains(forbidden), "\(forbidden)")
    }
    #expect(
      page.ranges(of: "<link").count == 1 && page.contains(#"<link rel="icon" href="data:,">"#))
    #expect(page.contains("default-src 'none'"))
  }

  @Test func `a name in a file can't add markup`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.quant(builder.constant([1], [1, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w], name: "<b onclick='x'>\"&amp;"))
    let page = try Self.page(builder.model, bits: 2)
    #expect(!page.contains("<b onclick"))
    #expect(page.contains("&lt;b onclick="))
    #expect(!page.contains("title=\"<"))
  }

  @Test func `a name in a file can't end the script or its data`() throws {
    var builder = GraphBuilder()
    let name = "</script><script>alert(1)//"
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.quant(builder.constant([1], [1, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w], name: name))
    let page = try Self.page(builder.model, bits: 2)
    #expect(page.ranges(of: "</script>").count == 2)
    #expect(
      try Self.data(page).arrayValue?.first?["layers"]?.arrayValue?.first?["name"] == .string(name))
  }

  @Test func `many channels share bars, and the fullest of each is shown with its numbers`() throws
  {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 1, signed: false)
    var weights = [Float](repeating: 0, count: 1000)
    (weights[7], weights[999]) = (-3, 7)
    let w = builder.quant(builder.constant(weights, [1, 1000]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w]))
    let verdict = try #require(
      try Verifier.verify(builder.model, accumulatorBits: 4).layers.first)
    let bars = try #require(
      ChannelBars(verdict, verdict.layer.channels.map(\.worstCase), bits: 4, limit: 128))
    #expect(bars.bars.count == 128 && bars.channelCount == 1000)
    #expect((bars.bars[1].channel, bars.bars[1].minimum, bars.bars[1].sums.negative) == (7, -3, 3))
    let last = bars.bars[127]
    #expect((last.channel, last.maximum, last.sums.positive) == (999, 7, 7))
    #expect(bars.caption == "1000 channels, the fullest needs 100.0\u{A0}% of 4 bits")
  }

  @Test func `the histogram counts every integer of the weight once`() throws {
    let result = try Verifier.verify(SampleModels.mixed())
    for verdict in result.layers.dropLast() {
      let weight = try #require(verdict.layer.weight)
      let histogram = try #require(WeightHistogram(verdict.layer))
      #expect(histogram.step == 1)
      #expect(histogram.counts.reduce(0, +) == weight.elementCount)
      let norm = histogram.counts.enumerated().reduce(0) {
        $0 + abs(histogram.first + $1.offset) * $1.element
      }
      #expect(norm == verdict.layer.channels.reduce(0) { $0 + Int($1.l1Norm) })
    }
  }

  @Test func `a page of the size of a ResNet-50 stays below a megabyte`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 8, signed: false)
    var generator = SplitMix(seed: 3)
    // As many layers, each with the channels of the widest.
    for index in 0..<54 {
      let weights = (0..<2 * 2048).map { _ in Float(Int(generator.next() % 255)) - 127 }
      let w = builder.quant(builder.constant(weights, [2, 2048]), bits: 8, signed: true)
      builder.output(
        builder.node("MatMul", [x, w], name: "/layer4/layer4.2/stage\(index)/conv3/Conv"))
    }
    let page = try Self.page(builder.model, bits: 32)
    #expect(page.utf8.count < 1_000_000)
    #expect(try Self.data(page).arrayValue?.first?["layers"]?.arrayValue?.count == 54)
  }

  @Test func `models side by side share the rows of layers of one name`() throws {
    let reports = try [9, 7].map { try Self.report(SampleModels.mixed(hiddenTarget: $0)) }
    let page = ModelPage(reports.map { ModelPage.Subject(report: $0) }).html
    #expect(page.contains("Side by side"))
    // Weight, input, target, required and headroom of both.
    let cells = ["INT4", "UINT4", "9", "8", "1", "INT4", "UINT4", "7", "8", "-1"]
    #expect(page.contains(cells.map { "<td>\($0)</td>" }.joined()))
    #expect(page.ranges(of: #"role="listbox""#).count == 2)
  }

  @Test func `tiles and biases stand in the page of a model that has them, and in no other`() throws
  {
    let page = try Self.page(SampleModels.tiled())
    for shown in [
      "<th>bias</th>", "<th>tile size</th><th>outer width</th><th>outer required</th>",
      "<td>INT6</td>", "<td>2</td><td>7</td><td>6</td>", "5 of 5, then 6 of 7",
      "1 channel, the fullest needs 75.0\u{A0}% of 5 bits in tiles of 2",
      "1 channel, the fullest needs 39.7\u{A0}% of 7 bits behind the tiles",
      "1 / 1</b><span class=\"soft\">layers include their bias",
      "6 bits</b><span class=\"soft\">widest register behind tiles required",
    ] {
      #expect(page.contains(shown), "\(shown)")
    }
    let plain = try Self.page(SampleModels.mixed())
    for hidden in [
      "<th>bias", "<th>tile", "behind the tiles", "include their bias", "mark outer\"",
    ] {
      #expect(!plain.contains(hidden), "\(hidden)")
    }
  }

  @Test func `a layer without tiles has no figures in their columns`() throws {
    let plain = try Verifier.verify(SampleModels.mixed())
    let tiled = try Verifier.verify(SampleModels.tiled())
    let style = TextStyle()
    let columns = InspectionColumn.columns(of: tiled.layers, in: .page, style)
    let headings = columns.map(\.column.title)
    #expect(headings.filter { ["bias", "tile size", "outer width"].contains($0) }.count == 3)
    for verdict in plain.layers {
      let view = LayerView(verdict, index: 0, scale: 32, columns: columns, style: style)
      #expect(view.outerRequired == nil && view.outerWidth == nil)
      let cells = Dictionary(uniqueKeysWithValues: zip(headings.dropFirst(), view.cells))
      #expect(cells.count == columns.count - 1)
      for title in ["bias", "tile size", "outer width", "outer required"] {
        #expect(cells[title] == style.none, "\(title)")
      }
    }
  }

  @Test(arguments: [
    (0.0, "0.00"), (-0.004, "0.00"), (-1.25, "-1.25"), (12.345, "12.35"), (1e12, "1000000000.00"),
  ])
  func `numbers in styles have two decimals`(_ value: Double, _ text: String) {
    #expect(Figures.css(value) == text)
  }
}
