import GraphIR
import TensorCore
import TestSupport
import Testing
import Verification

@testable import Reporting

@Suite struct HTMLReportTests {
  static func page(_ model: Model, bits: Int? = nil) throws -> String {
    HTMLReport(
      InspectionReport(
        model: ModelSummary(model, path: "models/model.onnx"),
        result: try Verifier.verify(model, accumulatorBits: bits))
    ).html
  }

  @Test func `the page of a partly refuted model`() throws {
    try SnapshotTests.check(Self.page(SampleModels.mixed(hiddenTarget: 7)), "report-mixed.html")
  }

  @Test func `the page loads nothing from elsewhere`() throws {
    let page = try Self.page(SampleModels.mixed())
    for forbidden in ["http", "<script", "<link", "src=", "@import", "url("] {
      #expect(!page.contains(forbidden))
    }
  }

  @Test func `a name in a file can't add markup`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.quant(builder.constant([1], [1, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w], name: "<b onclick='x'>\"&amp;"))
    let page = try Self.page(builder.model, bits: 2)
    #expect(!page.contains("<b "))
    #expect(page.contains("&lt;b onclick="))
    #expect(!page.contains("title=\"<"))
  }

  @Test func `many channels share bars, and the fullest of each is shown`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 1, signed: false)
    var weights = [Float](repeating: 0, count: 1000)
    weights[999] = 7
    let w = builder.quant(builder.constant(weights, [1, 1000]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w]))
    let verdict = try #require(
      try Verifier.verify(builder.model, accumulatorBits: 4).layers.first)
    let view = try #require(ChannelsView(verdict, style: TextStyle()))
    let plot = try #require(view.plots.first)
    #expect(view.plots.count == 1 && plot.viewBox == "0 -108.00 256 216.00")
    #expect(plot.path.hasPrefix("M0 0V0.00h1V0.00h-1zM1 0"))
    #expect(plot.path.hasSuffix("M255 0V-100.00h1V0.00h-1z"))
    #expect(plot.caption == "1000 channels, the fullest needs 100.0\u{A0}% of 4 bits")
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
    for hidden in ["<th>bias", "<th>tile", "behind the tiles", "include their bias", "outer\""] {
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
      let view = LayerView(verdict, scale: 32, columns: columns, style: style)
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
