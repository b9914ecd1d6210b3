import Datasets
import Foundation
import GraphIR
import OnnxFormat
import Operators
import Quantization
import Snug
import TensorCore
import TestSupport
import Testing
import Verification

/// The widths of one conversion.
struct Widths: Sendable, Hashable {
  var weight: Int
  var activation: Int
  var accumulator: Int

  static let all = [
    Widths(weight: 8, activation: 8, accumulator: 20),
    Widths(weight: 4, activation: 4, accumulator: 14),
  ]

  var recipe: Recipe {
    var recipe = Recipe()
    recipe.weightBits = weight
    recipe.activationBits = activation
    recipe.accumulatorBits = accumulator
    return recipe
  }
}

/// One exported file and what the peers shall check in it.
struct ExportJob: Sendable, Encodable {
  /// An input that shall overflow an accumulator of `bits`.
  struct Example: Sendable, Encodable {
    var layer: String
    var channel: Int
    var bits: Int
    var input: [Int64]
    var prefix: [Int]?
    var bias: Int64?
    var sum: Int64
  }

  var original: String
  var exported: String
  /// Where the peers put the values that they computed.
  var folder: String
  var inputs: [String]
  var weightBits: Int
  var activationBits: Int
  var accumulatorBits: Int
  var ioBits: Int
  var biasBits: Int?
  var tileSize: Int?
  var outerBits: Int?
  var counterexamples: [Example]
}

/// What the peers found in one exported file.
struct ExportReport: Sendable, Decodable {
  struct Quantizer: Sendable, Decodable {
    /// Indices of the saved values before and after.
    var input: Int
    var output: Int
    var scale: Float
  }

  var violations: [String]
  /// The names of the saved values.
  var names: [String]
  var quantizers: [Quantizer]
  var outputs: [Int]
}

/// Conversions that the peers check in one process.
struct ExportCheck {
  let folder: TemporaryFolder
  private(set) var jobs: [ExportJob] = []

  init() throws { folder = try TemporaryFolder() }

  /// Converts a model, writes the result and reads it again.
  ///
  /// - Parameter change: made to the options; the samples have no labels.
  mutating func convert(
    _ model: PeerModel, to widths: Widths, change: (inout ConversionOptions) -> Void = { _ in }
  ) throws {
    var options = ConversionOptions()
    options.recipe = widths.recipe
    change(&options)
    let calibration = folder.path("calibration-\(jobs.count).npy")
    try NpyFile.write(model.samples(8, seed: 1), to: calibration)
    options.data = calibration
    let exported = folder.path("\(jobs.count).onnx")
    _ = try ModelFile(model.path).convert(to: exported, options)
    let values = folder.url.appending(path: "values-\(jobs.count)")
    try FileManager.default.createDirectory(at: values, withIntermediateDirectories: true)
    let input = folder.path("input-\(jobs.count).npy")
    try NpyFile.write(model.samples(model.isBatchFixed ? 1 : 2, seed: 2), to: input)
    jobs.append(
      ExportJob(
        original: model.path, exported: exported, folder: values.path, inputs: [input],
        weightBits: widths.weight, activationBits: widths.activation,
        accumulatorBits: widths.accumulator, ioBits: widths.recipe.ioBits,
        biasBits: options.recipe.biasBits, tileSize: options.recipe.tileSize,
        outerBits: options.recipe.outerBits, counterexamples: try examples(in: exported)))
  }

  /// The verdict on the written file, and for each layer an input that overflows one bit less than it needs.
  private func examples(in path: String) throws -> [ExportJob.Example] {
    let file = try OnnxReader.read(path: path, resolver: OpaqueResolver())
    let verdict = try Verifier.verify(file)
    #expect(verdict.isCertified, "\(verdict.layers.flatMap(\.findings)) \(verdict.findings)")
    var examples: [ExportJob.Example] = []
    for bits in Set(verdict.layers.compactMap(\.requiredBits)).sorted() where bits > 1 {
      let result = try Verifier.verify(file, accumulatorBits: bits - 1)
      #expect(result.isRefuted)
      for layer in result.layers where layer.requiredBits == bits {
        let found = try #require(layer.counterexample)
        examples.append(
          ExportJob.Example(
            layer: layer.layer.name, channel: found.channel, bits: bits - 1, input: found.input,
            prefix: found.prefix, bias: found.bias, sum: Int64(found.sum)))
      }
    }
    #expect(examples.count == verdict.layers.count)
    return examples
  }

  /// Where the peers' programs lie.
  static let scripts = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Scripts")

  /// The peers' findings, one report a job.
  func run() throws -> [ExportReport] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    let (list, results) = (folder.path("jobs.json"), folder.path("results.json"))
    try encoder.encode(jobs).write(to: URL(filePath: list))
    let peer = try Peers.runPython(
      file: Self.scripts.appending(path: "check_export.py"), [list, results])
    try #require(peer.status == 0, "\(peer.errors)")
    let written = jobs.map { SecondChecker.Job(path: $0.exported) }
    #expect(try SecondChecker.disagreements(written, conservative: true) == [])
    return try JSONDecoder().decode(
      [ExportReport].self, from: Data(contentsOf: URL(filePath: results)))
  }
}
