import Datasets
import Foundation
import Quantization
import Snug
import TestSupport
import Testing

/// Channels-last exports as qonnx cleans them up and executes them.
@Suite(.enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)))
struct ChannelsLastTests {
  private struct Job: Encodable {
    var qonnx: String
    var exported: String
    var input: String
    /// Whether all operators with a channels-last form shall have it.
    var all = true
  }

  private struct Report: Decodable {
    var violations: [String]
    var deviation: Double
    var transposes: Int
  }

  /// qonnx computes these operators for sizes that the file states.
  private static let sized: Set = [
    "mnist-conv.onnx", "mlperf-resnet8.onnx", "cifar10-resnet20.onnx", "vnncomp-resnet2b.onnx",
    "model.onnx",
  ]

  private static let readByHLS4ML: Set = ["mnist-conv.onnx", "vnncomp-resnet2b.onnx"]

  @Test func `qonnx computes the same from channels-last exports`() throws {
    let folder = try TemporaryFolder()
    var jobs: [Job] = []
    var names: [String] = []
    for model in PeerModel.present where Self.sized.contains(model.testDescription) {
      var options = ConversionOptions()
      options.recipe = Widths(weight: 4, activation: 4, accumulator: 14).recipe
      options.recipe.scaleType = .powerOfTwo
      let calibration = folder.path("calibration-\(jobs.count).npy")
      try NpyFile.write(model.samples(8, seed: 1), to: calibration)
      options.data = calibration
      let qonnx = ModelFile(folder.path("\(jobs.count).onnx"))
      let report = try ModelFile(model.path).convert(to: qonnx.path, options).report
      let input = folder.path("input-\(jobs.count).npy")
      try NpyFile.write(model.samples(1, seed: 2), to: input)
      // hls4ml reads no averages, which the others have.
      let isRead = Self.readByHLS4ML.contains(model.testDescription)
      for format in isRead ? [ExportFormat.qonnx, .hls4ml] : [.qonnx] {
        var form = ExportOptions(format: format)
        form.channelsLast = true
        let path = folder.path("\(jobs.count)-\(format.rawValue).onnx")
        let summary = try qonnx.export(to: path, form)
        #expect(summary.report.result.isCertified, "\(path)")
        #expect(
          summary.report.result.layers.map(\.layer.requiredBits)
            == report.result.layers.map(\.layer.requiredBits), "\(model.testDescription)")
        jobs.append(Job(qonnx: qonnx.path, exported: path, input: input))
        names.append("\(model.testDescription) \(format.rawValue)")
      }
    }
    let (list, results) = (folder.path("jobs.json"), folder.path("results.json"))
    try JSONEncoder().encode(jobs).write(to: URL(filePath: list))
    let peer = try Peers.runPython(
      file: ExportCheck.scripts.appending(path: "check_channels_last.py"), [list, results])
    try #require(peer.status == 0, "\(peer.errors)")
    let reports = try JSONDecoder().decode(
      [Report].self, from: Data(contentsOf: URL(filePath: results)))
    #expect(reports.count == names.count)
    for (name, report) in zip(names, reports) {
      #expect(report.violations == [], "\(name)")
      #expect(report.deviation <= 1e-5, "\(name)")
      // Average pooling has no channels-last form, and keeps one in front of it.
      #expect(report.transposes <= 1, "\(name)")
    }
  }

  @Test func `channels-last is refused in formats without such operators`() throws {
    let folder = try TemporaryFolder()
    var options = ExportOptions(format: .integer)
    options.channelsLast = true
    var conversion = ConversionOptions()
    conversion.recipe = Widths(weight: 4, activation: 4, accumulator: 14).recipe
    conversion.data = Fixtures.path("digits/calibration.npz")
    let qonnx = ModelFile(folder.path("q.onnx"))
    _ = try ModelFile(PeerModel.digits.path).convert(to: qonnx.path, conversion)
    #expect {
      _ = try qonnx.export(to: folder.path("out.onnx"), options)
    } throws: { error in
      if case .inexpressible(.channelsLast)? = error as? SnugError { true } else { false }
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("out.onnx")))
  }
}
