import Datasets
import Foundation
import OnnxFormat
import Snug
import TensorCore
import TestSupport
import Testing

/// Fine-tuning as a job of the library.
@Suite struct FinetuneTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Two matrix products on batches of 4, and samples for them.
  private func fixedBatch() throws -> (model: ModelFile, data: String) {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [4, 2]))
    let first = builder.node(
      "MatMul", [x, builder.constant([0.5, -0.75, 0.25, 1], [2, 2])], name: "first")
    let middle = builder.node("Relu", [first])
    builder.output(
      builder.node(
        "MatMul", [middle, builder.constant([1, -0.5, 0.25, 0.75], [2, 2])], name: "last"))
    let path = folder.path("fixed.onnx")
    try OnnxWriter.write(builder.model, to: path)
    var random = SplitMix(seed: 2)
    let values = (0..<32).map { _ in Float.random(in: -1...1, using: &random) }
    let data = folder.path("x.npy")
    try NpyFile.write(Tensor(values, shape: [16, 2]), to: data)
    return (ModelFile(path), data)
  }

  @Test func `a batch that the model fixes is the one it trains in, any other is refused`() throws {
    let (model, data) = try fixedBatch()
    var options = ConversionOptions(epochs: 2)
    options.data = data
    let output = folder.path("out.onnx")
    let error = #expect(throws: SnugError.self) { try model.convert(to: output, options) }
    #expect(
      error.map { "\($0)" }
        == "\(model.path): its batch is 4, the training's 64; give --batch-size 4, or export the model with an open batch"
    )
    #expect(!FileManager.default.fileExists(atPath: output))
    options.training.batchSize = 4
    let summary = try model.convert(to: output, options)
    #expect(summary.training?.steps == 8)
    #expect(summary.report.result.isCertified)
    let graph = try ModelFile(output).load().graph
    #expect(graph[graph.inputs[0]].type == TensorType(.float32, [4, 2]))
  }

  @Test func `the gradient named in the options decides how exact layers train`() throws {
    let model = ModelFile(Fixtures.path("digits/model.onnx"))
    var constants: [[Tensor]] = []
    for gradient in Recipe.Gradient.allCases {
      var options = ConversionOptions(epochs: 1)
      options.data = Fixtures.path("digits/train.npz")
      options.recipe.method = .exact
      options.recipe.accumulatorBits = 8
      options.recipe.gradient = gradient
      // Far enough that channels leave the budget that they start in.
      options.training.learningRate = 0.01
      let path = folder.path("\(gradient.rawValue).onnx")
      #expect(try model.convert(to: path, options).report.result.isCertified)
      let written = try ModelFile(path).load()
      let recipe = written.metadata.first { $0.key == "snug.recipe" }?.value
      #expect(recipe?.contains("\"gradient\":\"\(gradient.rawValue)\"") == true)
      let graph = written.graph
      constants.append(
        graph.nodeIDs.flatMap { graph[$0].inputs.compactMap { $0.flatMap { graph[$0].constant } } })
    }
    #expect(constants[0].count == constants[1].count)
    #expect(constants[0] != constants[1])
  }

  @Test func `the recipe in a fine-tuned file repeats the training`() throws {
    let model = ModelFile(Fixtures.path("digits/model.onnx"))
    var options = ConversionOptions(epochs: 1)
    options.data = Fixtures.path("digits/train.npz")
    options.recipe.accumulatorBits = 11
    options.training.optimizer = OptimizerSettings(.adamw)
    options.training.optimizer.weightDecay = 0.01
    options.training.schedule = try LearningRateSchedule(parsing: "step:1:0.5")
    options.training.augmentation = Augmentation(cropPadding: 1)
    options.training.loss = .distill
    options.training.temperature = 2
    options.training.gradientClipping = 3
    options.training.weightAverage = 0.9
    options.seed = 5
    let first = folder.path("first.onnx")
    _ = try model.convert(to: first, options)
    let recipe = try #require(
      try ModelFile(first).load().metadata.first { $0.key == "snug.recipe" }?.value)

    var repeated = ConversionOptions()
    try RecipeFile.apply(folder.write(Array(recipe.utf8), to: "recipe.json"), to: &repeated)
    repeated.data = options.data
    let second = folder.path("second.onnx")
    _ = try model.convert(to: second, repeated)
    #expect(
      try Data(contentsOf: URL(filePath: first)) == Data(contentsOf: URL(filePath: second)))
  }

  @Test func `a library's user follows each step and may stop it`() throws {
    let (model, data) = try fixedBatch()
    var options = ConversionOptions(epochs: 3)
    options.data = data
    options.training.batchSize = 4
    options.trainingOutputs.checkpoints = folder.path("states")
    let interruption = Interruption()
    let observer = TrainingObserver(interruption: interruption) {
      if $0.step == 5 { interruption.request() }
    }
    let output = folder.path("out.onnx")
    let error = #expect(throws: SnugError.self) {
      try model.convert(to: output, options, observer: observer)
    }
    #expect(
      error.map { "\($0)" } == "interrupted after step 5; the same command resumes it")
    #expect(!FileManager.default.fileExists(atPath: output))
    #expect(try model.convert(to: output, options).training?.steps == 12)
  }
}
