import Datasets
import Foundation
import Quantization
import TensorCore
import TestSupport
import Testing

@testable import Snug

/// Widths for each layer within a loss.
@Suite struct ChoiceTests {
  private static let model = ModelFile(Fixtures.path("digits/model.onnx"))

  private static func options(_ change: (inout ChoiceOptions) -> Void = { _ in }) -> ChoiceOptions {
    var options = ChoiceOptions()
    options.conversion.data = Fixtures.path("digits/calibration.npz")
    options.conversion.validation = Fixtures.path("digits/test.npz")
    options.conversion.recipe.weightBits = 5
    options.conversion.recipe.activationBits = 4
    options.conversion.recipe.calibrationSamples = 48
    options.samples = 200
    options.maxLoss = 2
    options.minimize = .weightBytes
    change(&options)
    return options
  }

  private static func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(filePath: path))
  }

  @Test(arguments: [CostMeasure.weightBytes, .accumulatorBits])
  func `the widths keep the loss, cost no more than the same ones for all, and are proved`(
    cost: CostMeasure
  ) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("out.onnx")
    let options = Self.options {
      $0.minimize = cost
      if cost == .accumulatorBits { $0.conversion.recipe.weightBits = 3 }
    }
    let summary = try Self.model.choose(to: path, options)
    let choice = try #require(summary.choice)
    let alike = try #require(choice.alike)
    #expect(choice.loss <= 2 && choice.cost <= alike.cost)
    let report = try ModelFile(path).inspect()
    #expect(report.result.isCertified)
    var total = 0.0
    for layer in choice.layers {
      let index = try #require(
        report.result.layers.firstIndex { $0.layer.name == layer.name })
      let verdict = report.result.layers[index]
      #expect(verdict.layer.weight?.bits == layer.widths.weightBits)
      #expect(verdict.layer.input?.bits == layer.widths.activationBits)
      #expect(verdict.targetBits == layer.widths.accumulatorBits)
      total += try #require(cost.cost(of: verdict, report.cost.layers[index]))
    }
    #expect(choice.layers.count == 4, "all but the first and the last")
    #expect(total == choice.cost)
  }

  @Test func `a choice that was ended goes on, and its recipe makes the same file`() throws {
    let folder = try TemporaryFolder()
    let (whole, resumed, again) = (
      folder.path("a.onnx"), folder.path("b.onnx"), folder.path("c.onnx")
    )
    let first = try Self.model.choose(to: whole, Self.options())
    // What an ended one leaves: some of the measurements.
    let state = try JSONValue(
      parsing: String(contentsOfFile: folder.path("a.choice.json"), encoding: .utf8))
    let measured = try #require(state["measured"]?.objectValue)
    let cut = JSONValue.object([
      JSONMember("identity", try #require(state["identity"])),
      JSONMember("measured", .object(Array(measured.prefix(measured.count / 2)))),
    ])
    try cut.text().write(
      toFile: folder.path("b.choice.json"), atomically: true, encoding: .utf8)
    let second = try Self.model.choose(to: resumed, Self.options())
    #expect(try Self.bytes(whole) == Self.bytes(resumed))
    #expect(
      try Self.bytes(folder.path("a.choice.json")) == Self.bytes(folder.path("b.choice.json")))
    #expect(first.choice?.layers == second.choice?.layers)

    var options = ConversionOptions()
    try RecipeFile.apply(folder.path("a.yaml"), to: &options)
    options.data = Self.options().conversion.data
    _ = try Self.model.convert(to: again, options)
    #expect(try Self.bytes(whole) == Self.bytes(again))
  }

  @Test func `two processes that choose for one output don't get in each other's way`() throws {
    let folder = try TemporaryFolder()
    let lock = try FileLock(path: folder.path("out.choice.lock"), isRemoved: true)
    let error = #expect(throws: SnugError.self) {
      try Self.model.choose(to: folder.path("out.onnx"), Self.options())
    }
    guard case .choiceInUse(_, process: Int(getpid()))? = error else {
      Issue.record("\(error as Any)")
      return
    }
    withExtendedLifetime(lock) {}
  }

  @Test func `a lock that was given back leaves no file, and can be taken again`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("lock")
    for _ in 0..<2 {
      do {
        let lock = try FileLock(path: path, isRemoved: true)
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(throws: FileLock.Failure.self) { try FileLock(path: path, isRemoved: true) }
        withExtendedLifetime(lock) {}
      }
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func `without labels the loss is noise in the outputs`() throws {
    let folder = try TemporaryFolder()
    let data = folder.path("pixels.npy")
    var generator = SplitMix(seed: 1)
    let pixels = (0..<64 * 64).map { _ in Float(generator.next() % 17) }
    try NpyFile.write(Tensor(pixels, shape: [64, 1, 8, 8]), to: data)
    let options = Self.options {
      $0.conversion.data = data
      $0.conversion.validation = data
      $0.maxLoss = 5
      $0.samples = 64
    }
    let path = folder.path("out.onnx")
    let choice = try #require(try Self.model.choose(to: path, options).choice)
    #expect(choice.lossUnit.hasPrefix("%") && choice.loss > 0 && choice.loss <= 5)
    var comparison = ComparisonOptions()
    comparison.samples = 64
    let compared = try Self.model.compare(
      with: ModelFile(path), on: data, comparison)
    #expect(
      100 * (try #require(compared.outputs.first?.lostShare)) <= 10, "each half loses 5 at most")
  }

  @Test func `a loss that no widths keep is refused with the least one`() throws {
    let folder = try TemporaryFolder()
    let options = Self.options {
      $0.conversion.recipe.weightBits = 2
      $0.conversion.recipe.activationBits = 2
      $0.maxLoss = 0
    }
    let error = #expect(throws: SnugError.self) {
      try Self.model.choose(to: folder.path("out.onnx"), options)
    }
    guard case .choiceLossTooSmall(_, 0, let least, "points", "W2A2P16")? = error else {
      return #expect(Bool(false), "\(error as Any)")
    }
    #expect(least > 0)
    #expect(!FileManager.default.fileExists(atPath: folder.path("out.onnx")))
  }

  @Test func `a model without a layer to choose for is refused`() throws {
    let folder = try TemporaryFolder()
    let options = Self.options { $0.conversion.recipe.ioLayers = .named(["*"]) }
    let error = #expect(throws: SnugError.self) {
      try Self.model.choose(to: folder.path("out.onnx"), options)
    }
    guard case .choiceWithoutLayers? = error else {
      Issue.record("\(error as Any)")
      return
    }
  }

  @Test func `what leaves no widths to choose is refused by its name`() throws {
    let folder = try TemporaryFolder()
    func obstacle(_ change: (inout ChoiceOptions) -> Void) -> String? {
      do {
        _ = try Self.model.choose(to: folder.path("out.onnx"), Self.options(change))
        return nil
      } catch {
        if case .choiceBeside(let option) = error { return option }
        return "\(error)"
      }
    }
    #expect(obstacle { $0.conversion.training.epochs = 1 } == "--epochs")
    #expect(obstacle { $0.conversion.recipe.tileSize = 4 } == "--tile-size")
    #expect(
      obstacle { $0.conversion.recipe.method = .unconstrained } == "--method unconstrained")
  }

  // MARK: Tables

  @Test func `a table gives a layer the cheapest row that holds its widths`() throws {
    let table = try CostTable(
      path: "t.csv",
      text: """
        weight-bits, activation-bits, accumulator-bits, cost
        8,8,32,1
        4,4,16,0.5
        4,8,16,0.4
        """)
    func cost(_ m: Int, _ n: Int, _ p: Int) -> Double? {
      table.cost(LayerWidths(weightBits: m, activationBits: n, accumulatorBits: p))
    }
    #expect(cost(4, 4, 14) == 0.4 && cost(3, 3, 17) == 1 && cost(8, 8, 33) == nil)
  }

  @Test(
    arguments: [
      ("", "the first line"), ("weight-bits,activation-bits,accumulator-bits,cost\n", "no rows"),
      ("weight-bits,activation-bits,accumulator-bits,cost\n4,4,0,1\n", "line 2"),
      ("weight-bits,activation-bits,accumulator-bits,cost\n4,4,16,-1\n", "line 2"),
      ("weight-bits,activation-bits,accumulator-bits,cost\n4,4,16\n", "line 2"),
    ])
  func `a table that isn't one is refused with the line`(text: String, words: String) {
    let error = #expect(throws: CostMeasureError.self) {
      try CostTable(path: "t.csv", text: text)
    }
    #expect(
      error?.description.contains(words) == true && error?.description.contains("t.csv") == true)
  }
}
