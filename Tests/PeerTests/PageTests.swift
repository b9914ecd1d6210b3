import Foundation
import Snug
import TestSupport
import Testing

/// Pages as a browser shows them.
@Suite(
  .enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)),
  .enabled(if: Peers.browser != nil, "skipped: install chromium, or name one in SNUG_TEST_BROWSER"))
struct PageTests {
  private struct Job: Encodable {
    var page: String
    var kind: String
    var json: String
  }

  private let folder: TemporaryFolder
  private let float = ModelFile(Fixtures.path("digits/model.onnx"))
  private let data = Fixtures.path("digits/test.npz")

  init() throws { folder = try TemporaryFolder() }

  private func converted(_ name: String, _ bits: Int) throws -> ModelFile {
    let model = ModelFile(folder.path(name))
    var options = ConversionOptions()
    options.recipe.accumulatorBits = bits
    options.recipe.calibrationSamples = 32
    options.data = Fixtures.path("digits/calibration.npz")
    _ = try float.convert(to: model.path, options)
    return model
  }

  private func expectShown(_ jobs: [(page: String, kind: String, json: JSONValue)]) throws {
    var list: [Job] = []
    for (index, job) in jobs.enumerated() {
      let path = folder.path("\(index).json")
      try Data(job.json.text().utf8).write(to: URL(filePath: path))
      list.append(Job(page: job.page, kind: job.kind, json: path))
    }
    let file = folder.path("jobs.json")
    try JSONEncoder().encode(list).write(to: URL(filePath: file))
    let check = try Peers.runPython(
      file: ExportCheck.scripts.appending(path: "check_pages.py"),
      [try #require(Peers.browser), file])
    try #require(check.status == 0, "\(check.errors)")
    #expect(check.output == "\n")
  }

  @Test
  func `pages of models show the numbers of the JSON, sort and filter, by keyboard too`()
    throws
  {
    let models = [try converted("p12.onnx", 12), try converted("p16.onnx", 16)]
    let reports = try models.map { try $0.inspect() }
    let (one, two) = (folder.path("one.html"), folder.path("two.html"))
    try reports[0].writeHTML(to: one)
    try reports[0].writeHTML(to: two, beside: [reports[1]])
    guard case .object(let members) = reports[0].json else { return }
    let both = JSONValue.object(members + [JSONMember("beside", .array([reports[1].json]))])
    try expectShown([(one, "models", reports[0].json), (two, "models", both)])
  }

  @Test func `the page of a refuted file of another tool shows the numbers of the JSON`() throws {
    let models = try ["foreign/brevitas-qonnx-bias.onnx", "foreign/ort-qdq-int8-per-channel.onnx"]
      .map {
        try ModelFile(Fixtures.path($0)).inspect()
      }
    try expectShown(
      try models.enumerated().map { index, report in
        let page = folder.path("\(index).html")
        try report.writeHTML(to: page)
        return (page, "models", report.json)
      })
  }

  @Test func `the page of a comparison shows its numbers beside those of the inspection`() throws {
    let model = try converted("p12.onnx", 12)
    var options = ComparisonOptions()
    options.samples = 64
    options.limit = 64
    let comparison = try float.compare(with: model, on: data, options)
    let page = folder.path("compared.html")
    try comparison.writeHTML(to: page)
    try expectShown([
      (
        page, "models",
        ["report": try model.inspect().json, "comparison": comparison.json]
      )
    ])
  }

  @Test func `the page of a sweep shows its numbers, and the command of a point that is chosen`()
    throws
  {
    var options = SweepOptions()
    options.conversion.data = Fixtures.path("digits/calibration.npz")
    options.conversion.validation = data
    options.conversion.recipe.calibrationSamples = 32
    options.accumulatorBits = [10, 12]
    options.methods = [.exact, .a2q, .unconstrained]
    options.weightBits = [4, 5]
    options.limit = 100
    let sweep = try float.sweep(to: folder.path("sweep"), options)
    try expectShown([(folder.path("sweep/sweep.html"), "sweep", sweep.json)])
  }
}
