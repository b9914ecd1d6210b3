import Foundation
import Snug
import TestSupport
import Testing

/// The whole job on the digit classifier.
@Suite struct ConversionTests {
  let folder: TemporaryFolder
  let model = ModelFile(Fixtures.path("digits/model.onnx"))

  init() throws { folder = try TemporaryFolder() }

  private func options(bits: Int, accumulator: Int, _ method: Recipe.Method = .a2qPlus)
    -> ConversionOptions
  {
    var options = ConversionOptions()
    options.recipe.method = method
    options.recipe.weightBits = bits
    options.recipe.activationBits = bits
    options.recipe.accumulatorBits = accumulator
    options.recipe.calibrationSamples = 32
    options.data = Fixtures.path("digits/calibration.npz")
    return options
  }

  @Test(arguments: [
    (8, 20, Recipe.Method.a2qPlus), (4, 14, .a2qPlus), (4, 12, .a2q), (3, 10, .a2qPlus),
  ])
  func `a converted file is certified at the width that was asked for`(
    bits: Int, accumulator: Int, method: Recipe.Method
  ) throws {
    let path = folder.path("out.onnx")
    let summary = try model.convert(
      to: path, options(bits: bits, accumulator: accumulator, method))
    #expect(summary.report.result.isCertified)
    let verdict = try ModelFile(path).verify()
    #expect(verdict.result.isCertified)
    #expect(verdict.result.layers.count == 6)
    for layer in verdict.result.layers.dropFirst().dropLast() {
      #expect(layer.targetBits == accumulator)
      #expect(try #require(layer.layer.requiredBits) <= accumulator)
    }
  }

  @Test func `without the constraint the same widths are refuted with an input`() throws {
    let path = folder.path("out.onnx")
    _ = try model.convert(to: path, options(bits: 4, accumulator: 12, .unconstrained))
    let verdict = try ModelFile(path).verify(accumulatorBits: 12).result
    #expect(verdict.isRefuted)
    #expect(verdict.layers.contains { $0.counterexample != nil })
  }

  @Test func `8 bits and a wide accumulator cost less than a point of accuracy`() throws {
    var options = options(bits: 8, accumulator: 24)
    options.recipe.calibrationSamples = 100
    options.validation = Fixtures.path("digits/test.npz")
    let summary = try model.convert(to: folder.path("out.onnx"), options)
    let float = try #require(summary.floatMetric)
    let quantized = try #require(summary.quantizedMetric)
    #expect(abs(float.value - 99.4) < 0.01)
    #expect(quantized.value > float.value - 1)
  }

  @Test
  func
    `a name of the recipe that no dot product has is named, and refused where nothing may be left undone`()
    throws
  {
    var options = options(bits: 4, accumulator: 13)
    options.recipe.layers = [
      Recipe.LayerOverride(match: "/conv1/Cnv") { $0.weightBits = 6 },
      Recipe.LayerOverride(match: "*conv2*") { $0.weightBits = 6 },
    ]
    options.recipe.ioLayers = .named(["/stem/*", "*/head"])
    let summary = try model.convert(to: folder.path("a.onnx"), options)
    #expect(
      summary.remarks.filter { $0.contains("no dot product") } == [
        "no dot product is called '/conv1/Cnv', which stands under layers; did you mean '/conv1/Conv'?",
        "no dot product is called '*/head', which stands under --io-layers",
      ])
    options.isStrict = true
    let error = #expect(throws: SnugError.self) {
      try model.convert(to: folder.path("b.onnx"), options)
    }
    #expect(error.map { "\($0)" }?.hasSuffix("did you mean '/conv1/Conv'?") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.path("b.onnx")))
  }

  @Test func `a converted file says what it was made from, and the report what the file is`() throws
  {
    let path = folder.path("a.onnx")
    let summary = try model.convert(to: path, options(bits: 4, accumulator: 13))
    let provenance = try #require(summary.report.json["provenance"])
    let source = try #require(provenance["sources"]?["model"]?.arrayValue?.first)
    let bytes = try Data(contentsOf: URL(filePath: Fixtures.path("digits/model.onnx")))
    #expect(source["bytes"]?.integerValue == Int64(bytes.count))
    // Of `sha256sum fixtures/digits/model.onnx`.
    #expect(
      source["sha256"]
        == .string("78ae6d20f386e65fa3fa89fa537643cbf9475ab5eb8aeadf1950f2df82eb80c7"))
    #expect(provenance["files"]?.arrayValue?.first?["name"] == "a.onnx")
    #expect(provenance["sources"]?["data"]?.stringValue?.hasPrefix("1 file of ") == true)
    #expect(provenance["version"] == .string(Snug.version))
    #expect(provenance["recipe"]?["seed"] == 0)
  }

  @Test func `the same conversion gives the same bytes`() throws {
    let paths = [folder.path("a.onnx"), folder.path("b.onnx")]
    for path in paths { _ = try model.convert(to: path, options(bits: 4, accumulator: 12)) }
    let files = try paths.map { try Data(contentsOf: URL(filePath: $0)) }
    #expect(files[0] == files[1])
  }

  @Test func `the recipe in a file's metadata repeats the conversion`() throws {
    var options = options(bits: 4, accumulator: 13)
    options.recipe.layers = [
      Recipe.LayerOverride(match: "*conv2*") {
        $0.weightBits = 6
        $0.accumulatorBits = 16
        $0.tileSize = 24
        $0.outerBits = 20
      }
    ]
    options.preprocessing.normalization.mean = [0.5]
    options.seed = 3
    let path = folder.path("first.onnx")
    _ = try model.convert(to: path, options)
    let metadata = try ModelFile(path).load().metadata
    #expect(metadata.first { $0.key == "snug.version" }?.value == Snug.version)
    let recipe = try #require(metadata.first { $0.key == "snug.recipe" }?.value)

    var repeated = ConversionOptions()
    try RecipeFile.apply(folder.write(Array(recipe.utf8), to: "recipe.json"), to: &repeated)
    repeated.data = options.data
    let again = folder.path("again.onnx")
    _ = try model.convert(to: again, repeated)
    #expect(
      try Data(contentsOf: URL(filePath: path)) == Data(contentsOf: URL(filePath: again)))
  }

  @Test func `single layers have tiles and outer registers of their own, or none`() throws {
    var options = options(bits: 4, accumulator: 12)
    options.recipe.tileSize = 16
    options.recipe.layers = [
      Recipe.LayerOverride(match: "*conv2*") { ($0.tileSize, $0.outerBits) = (24, 20) },
      Recipe.LayerOverride(match: "*conv1*") { $0.tileSize = 0 },
      Recipe.LayerOverride(match: "*classifier*") { $0.tileSize = 8 },
    ]
    let result = try model.convert(to: folder.path("tiles.onnx"), options).report.result
    #expect(result.isCertified)
    #expect(result.layers.map { $0.tiles?.size } == [nil, nil, 24, 16, 16, 8])
    #expect(result.layers[2].tiles?.outerBits == 20)
    // The last layer's tiles are those of the 32 bits that it is held to.
    #expect(result.layers[5].targetBits == 32 && result.layers[5].tiles?.outerBits == 34)
  }

  @Test func `an outer register without tiles is refused`() throws {
    var options = options(bits: 4, accumulator: 12)
    options.recipe.layers = [Recipe.LayerOverride(match: "*conv2*") { $0.outerBits = 20 }]
    #expect(throws: SnugError.self) { try model.convert(to: folder.path("no.onnx"), options) }
  }

  @Test func `the sidecar holds one entry a channel`() throws {
    let sidecar = folder.path("certificate.json")
    _ = try model.convert(
      to: folder.path("out.onnx"), options(bits: 4, accumulator: 12), sidecar: sidecar)
    let document = try JSONValue(parsing: Data(contentsOf: URL(filePath: sidecar)))
    #expect(document["certified"] == true)
    let layers = try #require(document["layers"]?.arrayValue)
    #expect(layers.map { $0["channels"]?.arrayValue?.count } == [16, 16, 16, 16, 32, 10])
  }

  @Test func `calibration data sorted by class is drawn across classes`() throws {
    var options = options(bits: 4, accumulator: 12)
    options.recipe.calibrationSamples = 20
    let first = folder.path("first.onnx")
    let second = folder.path("second.onnx")
    _ = try model.convert(to: first, options)
    options.seed = 1
    _ = try model.convert(to: second, options)
    #expect(
      try Data(contentsOf: URL(filePath: first)) != Data(contentsOf: URL(filePath: second)))
  }
}
