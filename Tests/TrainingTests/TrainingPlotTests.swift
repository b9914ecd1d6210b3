import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Plotting
@testable import Training

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What an XML parser finds in a figure.
private final class FigureReader: NSObject, XMLParserDelegate {
  var texts: [String] = []
  var counts: [String: Int] = [:]
  var coordinates: [Double] = []
  private var text = ""

  init?(_ svg: String) {
    super.init()
    let parser = XMLParser(data: Data(svg.utf8))
    parser.delegate = self
    guard parser.parse() else { return nil }
  }

  func parser(
    _: XMLParser, didStartElement name: String, namespaceURI _: String?, qualifiedName _: String?,
    attributes: [String: String]
  ) {
    counts[name, default: 0] += 1
    text = ""
    for key in ["x", "y", "cx", "cy"] {
      coordinates += attributes[key].flatMap(Double.init).map { [$0] } ?? []
    }
    coordinates += (attributes["d"] ?? "").split { "MLHVhv ".contains($0) }.compactMap {
      Double($0)
    }
  }

  func parser(_: XMLParser, foundCharacters string: String) { text += string }

  func parser(
    _: XMLParser, didEndElement name: String, namespaceURI _: String?, qualifiedName _: String?
  ) {
    if name == "text" { texts.append(text) }
  }
}

private func records(_ count: Int, loss: (Int) -> Double, epochs: Int = 0) -> [TrainingRecord] {
  (1...count).map { step in
    let endsEpoch = epochs > 0 && step.isMultiple(of: count / epochs)
    return TrainingRecord(
      step: step, epoch: Double(step * max(epochs, 1)) / Double(count), learningRate: 0.1,
      loss: loss(step), samplesPerSecond: 1, validation: endsEpoch ? 1 - 1 / Double(step) : nil)
  }
}

@Suite struct TrainingPlotTests {
  private func plot(_ records: [TrainingRecord], title: String = "ResNet-8") -> TrainingPlot {
    TrainingPlot(
      title: title, records: records, metricName: "Top-1 accuracy", direction: .higherIsBetter)
  }

  @Test func `a figure is XML that needs no script, font or other file`() throws {
    let svg = plot(records(100, loss: { 10 / Double($0) }, epochs: 5)).svg()
    let figure = try #require(FigureReader(svg))
    #expect(figure.counts["svg"] == 1)
    for absent in ["script", "image", "style", "foreignObject", "use", "a"] {
      #expect(figure.counts[absent] == nil)
    }
    #expect(!svg.contains("href") && svg.ranges(of: "http").count == 1)
    for words in ["Training loss", "smoothed", "Top-1 accuracy", "Epoch", "Optimizer step"] {
      #expect(figure.texts.contains(words))
    }
    #expect(figure.texts.contains("best 0.99, epoch 5"))
  }

  @Test func `titles are escaped`() throws {
    let title = #"<a & "b"> 'c' \#u{7}"#
    let figure = try #require(FigureReader(plot([], title: title).svg()))
    #expect(figure.texts.contains("<a & \"b\"> 'c' \u{FFFD}"))
  }

  @Test func `losses over more than a factor of 10 get powers of ten`() throws {
    let wide = try #require(FigureReader(plot(records(100, loss: { 10 / Double($0) })).svg()))
    #expect(Set(["10", "1", "0.1"]).isSubset(of: wide.texts))
    let narrow = PlotAxis([1, 9], logarithmicWherePossible: true)
    #expect(narrow.kind == .linear)
    #expect(PlotAxis([1, 11], logarithmicWherePossible: true).kind == .logarithmic)
    #expect(PlotAxis([0, 11], logarithmicWherePossible: true).kind == .linear)
  }

  @Test(
    arguments: [
      [0.0, 1], [3, 3], [0, 0], [-1e-9, 1e-9], [1e-300, 1e300], [-1e308, 1e308],
      [.leastNonzeroMagnitude], [],
      [0.91, 0.9100001], [1e15, 1e15 + 1], [-7, 123_456],
    ] as [[Double]])
  func `every axis has ticks inside it and values between its ends`(values: [Double]) {
    for kind in [PlotAxis.Kind.linear, .whole] {
      for logarithmic in [false, true] {
        let axis = PlotAxis(values, kind: kind, logarithmicWherePossible: logarithmic)
        for value in values where value.magnitude < 1e300 {
          #expect((axis.position(value) ?? 0) > -1e-9 && (axis.position(value) ?? 2) < 1 + 1e-9)
        }
        for tick in axis.ticks {
          #expect((-0.001...1.001).contains(axis.position(tick.value) ?? -1), "\(values)")
        }
        #expect(axis.ticks.count < 20)
      }
    }
  }

  @Test func `tick labels are round and differ`() {
    let axis = PlotAxis([0.61, 0.93])
    #expect(axis.ticks.compactMap(\.label) == ["0.6", "0.7", "0.8", "0.9"])
    let steps = PlotAxis([0, 39_000], kind: .whole, padding: 0)
    #expect(steps.ticks.compactMap(\.label) == ["0", "10k", "20k", "30k"])
    let few = PlotAxis([1, 3], kind: .whole, padding: 0.04)
    #expect(few.ticks.compactMap(\.label) == ["1", "2", "3"])
    let small = PlotAxis([1e-7, 1e-3], logarithmicWherePossible: true)
    #expect(small.ticks.compactMap(\.label) == ["10⁻⁷", "10⁻⁶", "10⁻⁵", "0.0001", "0.001"])
  }

  @Test func `whatever the values, a figure is valid and stays on its canvas`() throws {
    let hostile: [(Int) -> Double] = [
      { _ in .nan }, { _ in 0 }, { $0 == 50 ? .infinity : 1 }, { $0 % 2 == 0 ? -1e308 : 1e308 },
      { _ in .leastNonzeroMagnitude },
    ]
    for loss in hostile {
      for rows in [records(100, loss: loss, epochs: 10), records(1, loss: loss), []] {
        let svg = plot(rows).svg()
        #expect(!svg.contains("nan") && !svg.contains("inf"))
        let figure = try #require(FigureReader(svg))
        #expect(figure.coordinates.allSatisfy { (-5...905).contains($0) })
      }
    }
  }

  @Test func `a long training makes no long file, and its peaks stay`() throws {
    var rows = records(200_000, loss: { 1 + 1 / Double($0) })
    rows[123_456].loss = 40
    let plot = plot(rows)
    #expect(plot.svg().utf8.count < 300_000)
    let series = PlotSeries(
      name: "", points: rows.map { (Double($0.step), $0.loss) }, color: "#000000")
    let thinned = series.thinned(columns: 300, over: 0...200_000)
    #expect(thinned.count <= 1300)
    #expect(thinned.contains { $0.x == 123_457 && $0.y == 40 })
    #expect(zip(thinned, thinned.dropFirst()).allSatisfy { $0.x < $1.x })
  }

  @Test func `the file appears whole`() throws {
    let folder = try TemporaryFolder()
    let plot = plot(records(10, loss: { Double($0) }))
    try plot.write(to: folder.path("a.svg"))
    #expect(try String(contentsOfFile: folder.path("a.svg"), encoding: .utf8) == plot.svg())
    #expect(try folder.contents() == ["a.svg"])
  }
}
