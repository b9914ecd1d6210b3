import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Reporting

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct SweepTests {
  static let top1 = MetricKind(
    name: "top1", title: "Top-1 accuracy (%)", unit: "%", higherIsBetter: true)

  static func row(
    _ method: String, _ m: Int, _ n: Int, _ p: Int?, seed: Int = 0, _ value: Double, unheld: Int = 0
  ) -> SweepRow {
    SweepRow(
      SweepPoint(
        SweepPoint.Setting(
          method: method, weightBits: m, activationBits: n, accumulatorBits: p), seed: seed),
      .measured(
        SweepRow.Measurement(value: value, requiredBits: p, unheldLayers: unheld)))
  }

  static func result(_ rows: [SweepRow], metric: MetricKind = top1, float: Double = 90)
    -> SweepResult
  {
    var result = SweepResult(
      model: "net.onnx", identity: ["data": "1 file"], metric: metric, floatValue: float,
      samples: 500, command: ["a b/net.onnx", "--data", "it's"], folder: "out")
    for row in rows.reversed() { result.add(row) }
    return result
  }

  static let sample = result([
    row("exact", 4, 4, 10, 80), row("exact", 4, 4, 12, 88), row("exact", 4, 4, 14, 89),
    row("exact", 8, 8, 14, 89.5), row("exact", 8, 8, 16, 90), row("a2q", 4, 4, 12, 70),
    row("a2q", 4, 4, 14, 89.25), row("unconstrained", 4, 4, nil, 89.75),
    SweepRow(
      SweepPoint(
        SweepPoint.Setting(method: "a2q", weightBits: 4, activationBits: 4, accumulatorBits: 10),
        seed: 0), .refused("a \"bad\", layer")),
  ])

  @Test(arguments: [
    (10.0, "exact", 4, 10), (2, "exact", 4, 12), (1.5, "a2q", 4, 14), (0.5, "exact", 8, 14),
    (0, "exact", 8, 16),
  ])
  func `the cheapest within a loss is the narrowest, then of fewest bits, then the best`(
    limit: Double, method: String, m: Int, p: Int
  ) throws {
    let found = try #require(Self.sample.cheapest(within: limit)).setting
    #expect((found.method, found.weightBits, found.accumulatorBits) == (method, m, p))
  }

  @Test func `none is recommended without a proof, with refused seeds, or with layers left out`() {
    let rows = [
      Self.row("unconstrained", 4, 4, nil, 90), Self.row("exact", 4, 4, 9, 90, unheld: 1),
      Self.row("exact", 4, 4, 8, 90),
      SweepRow(
        SweepPoint(
          SweepPoint.Setting(
            method: "exact", weightBits: 4, activationBits: 4, accumulatorBits: 8), seed: 1),
        .refused("why")),
    ]
    #expect(Self.result(rows).cheapest(within: 5) == nil)
  }

  @Test func `a loss is in points, in dB, or in per cent of an error`() {
    let mse = MetricKind(name: "mse", title: "Mean squared error", unit: "", higherIsBetter: false)
    #expect(abs(mse.loss(of: 0.55, from: 0.5) - 10) < 1e-9)
    #expect(Self.top1.loss(of: 88.5, from: 90) == 1.5)
    #expect((mse.lossUnit, Self.top1.lossUnit) == ("%", "points"))
    let rows = [Self.row("exact", 4, 4, 10, 0.55), Self.row("exact", 4, 4, 12, 0.51)]
    let result = Self.result(rows, metric: mse, float: 0.5)
    #expect(result.cheapest(within: 5)?.setting.accumulatorBits == 12)
    #expect(result.cheapest(within: 10)?.setting.accumulatorBits == 10)
    #expect(result.frontier.map(\.value) == [0.55, 0.51])
  }

  @Test func `means and deviations over seeds are those of the formulas`() throws {
    let rows = [(0, 80.0), (1, 84), (2, 88)].map { Self.row("exact", 4, 4, 10, seed: $0, $1) }
    let summary = try #require(Self.result(rows).summaries.first)
    #expect(summary.mean == 84)
    #expect(summary.deviation == 4)
    #expect(Self.result(rows).csv.split(separator: "\n").count == 4)
  }

  @Test func `the frontier never gets worse with width`() {
    let frontier = Self.sample.frontier
    #expect(frontier.map(\.bits) == [10, 12, 14, 16])
    #expect(frontier.map(\.value) == [80, 88, 89.5, 90])
  }

  @Test func `a document gives back its rows, and writes the same bytes again`() throws {
    let text = Self.sample.json.text(indentation: 1)
    let document = try JSONValue(parsing: text)
    let rows = try #require(SweepResult.rows(in: document))
    #expect(rows == Self.sample.rows)
    #expect(Self.result(rows).json.text(indentation: 1) == text)
    #expect(SweepResult.rows(in: ["schema": "other", "points": []]) == nil)
    #expect(SweepResult.rows(in: ["schema": "snug-sweep-1", "points": [["method": "a2q"]]]) == nil)
  }

  @Test func `a shell reads the words of a command back`() throws {
    let command = Self.sample.command(
      for: Self.sample.rows[1].point.setting, seed: 0, output: "o.onnx")
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = ["-c", "printf '%s\\n' \(command)"]
    let pipe = Pipe()
    shell.standardOutput = pipe
    try shell.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(
      output.split(separator: "\n") == [
        "snug", "convert", "a b/net.onnx", "--data", "it's", "--output", "o.onnx", "--method",
        "a2q", "--weight-bits", "4", "--activation-bits", "4", "--accumulator-bits", "12",
        "--seed", "0",
      ])
  }

  @Test func `the figure is well-formed and has a marker for each setting with a width`() throws {
    let figure = SweepFigure(result: Self.sample)
    #expect(XMLParser(data: Data(figure.svg.utf8)).parse())
    #expect(figure.markers.count == 7)
    // Better is higher up, and wider is further to the right.
    let exact = figure.markers.filter {
      $0.summary.setting.method == "exact" && $0.summary.setting.weightBits == 4
    }
    #expect(exact.map(\.y) == exact.map(\.y).sorted(by: >))
    #expect(exact.map(\.x) == exact.map(\.x).sorted())
    try SnapshotTests.check(Self.sample.svg, "sweep.svg")
  }

  @Test func `the tables are as recorded`() throws {
    var result = Self.sample
    let found = try #require(result.cheapest(within: 2))
    result.recommendation = SweepRecommendation(
      found, seed: 0, limit: 2, loss: 2, output: "recommended.onnx",
      command: result.command(for: found.setting, seed: 0, output: "recommended.onnx"))
    try SnapshotTests.check(result.csv, "sweep.csv")
    try SnapshotTests.check(result.text(), "sweep.txt")
    try SnapshotTests.check(
      result.text(style: TextStyle(width: 40, isUnicode: false)), "sweep-40.txt")
    try SnapshotTests.check(ModelPageTests.bare(result.html), "sweep.html")
  }
}
