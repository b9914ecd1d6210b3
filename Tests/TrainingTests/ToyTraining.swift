import Datasets
import Execution
import Foundation
import GraphIR
import Operators
import Quantization
import TensorCore
import TestSupport
import Testing

@testable import Training

/// A small network with a shortcut and normalisations, its data, and the files of its training.
struct ToyTraining {
  let folder: TemporaryFolder
  var settings = TrainingSettings()
  var data: any Dataset = ToyData()
  var validates = false
  var keepsCheckpoints = false
  var accumulatorBits = 10
  var method = Recipe.Method.a2qPlus
  /// Called after each step.
  var onStep: (TrainingProgress, Interruption) -> Void = { _, _ in }
  /// Called after each epoch with its metric.
  var onValidation: (Double) throws -> Double = { $0 }

  init() throws {
    folder = try TemporaryFolder()
    settings.epochs = 3
    settings.batchSize = 16
    settings.learningRate = 0.01
    settings.logInterval = 3
  }

  /// What a training left.
  struct Outcome {
    var conversion: Conversion
    var summary: TrainingSummary

    /// All constants of the baked model.
    var constants: [Tensor] {
      let graph = conversion.model.graph
      return graph.valueIDs.compactMap { graph[$0].constant }
    }
  }

  static func float() -> Model {
    var graph = Graph(name: "toy")
    var random = SplitMix(seed: 5)
    func constant(_ name: String, _ shape: [Int], around centre: Float = 0) -> ValueID {
      let count = shape.reduce(1, *)
      let spread = centre == 0 ? (2 / Float(count / shape[0])).squareRoot() : 0.2
      let values = (0..<count).map { _ in
        centre + Float.random(in: -spread...spread, using: &random)
      }
      return graph.addConstant(name: name, Tensor(values, shape: shape))
    }
    func convolution(_ x: ValueID, _ name: String, from: Int) -> ValueID {
      let weight = constant("\(name).weight", [6, from, 3, 3])
      let y = graph.addNode(
        Conv(window: SlidingWindow(pads: [1, 1, 1, 1])), name: name, inputs: [x, weight],
        output: "\(name).out")
      let inputs = [
        y, constant("\(name)_bn.scale", [6], around: 1), constant("\(name)_bn.bias", [6]),
        constant("\(name)_bn.mean", [6]), constant("\(name)_bn.variance", [6], around: 1),
      ]
      return graph.addNode(
        BatchNormalization(), name: "\(name)_bn", inputs: inputs, output: "\(name)_bn.out")
    }
    func relu(_ x: ValueID, _ name: String) -> ValueID {
      graph.addNode(Relu(), name: name, inputs: [x], output: "\(name).out")
    }
    let x = graph.addInput(name: "x", type: TensorType(.float32, [.symbolic("n"), 2, 4, 4]))
    let stem = relu(convolution(x, "stem", from: 2), "stem_relu")
    let middle = convolution(stem, "middle", from: 6)
    let sum = graph.addNode(Add(), name: "sum", inputs: [middle, stem], output: "sum.out")
    let flat = graph.addNode(
      Flatten(axis: 1), name: "flatten", inputs: [relu(sum, "sum_relu")], output: "flat")
    let inputs = [flat, constant("head.weight", [3, 96]), constant("head.bias", [3])]
    graph.addOutput(
      graph.addNode(Gemm(transposesB: true), name: "head", inputs: inputs, output: "y"))
    return Model(graph: graph, irVersion: 8, opsets: [OpsetImport(domain: "", version: 13)])
  }

  func trainable() throws -> TrainableModel {
    var recipe = Recipe()
    recipe.accumulatorBits = accumulatorBits
    recipe.method = method
    let samples = try data.batch(Array(0..<16)).inputs
    return try Converter(recipe).trainable(
      Self.float(), calibration: InMemoryCalibration(samples))
  }

  func trainer(_ interruption: Interruption = Interruption()) throws -> Trainer {
    var outputs = Trainer.Outputs()
    outputs.csv = csv
    outputs.jsonLines = folder.path("log.jsonl")
    outputs.plot = folder.path("plot.svg")
    if keepsCheckpoints { outputs.checkpoints = checkpoints }
    let held = ToyData(40, seed: 2)
    let validation = Trainer.Validation(
      metricName: "accuracy", direction: .higherIsBetter, floatMetric: nil
    ) { graph in
      try onValidation(try Self.accuracy(graph, held))
    }
    return try Trainer(
      try trainable(), dataset: data, settings: settings, validation: validates ? validation : nil,
      outputs: outputs, configuration: ["learning-rate": .number(settings.learningRate)],
      interruption: interruption)
  }

  /// Trains to the end, or to where an error stops it.
  func run() throws -> Outcome {
    let interruption = Interruption()
    let (conversion, summary) = try trainer(interruption).run { onStep($0, interruption) }
    return Outcome(conversion: conversion, summary: summary)
  }

  /// Trains until `step` is done, as a signal would stop it.
  func runInterrupted(after step: Int) throws {
    var stopped = self
    stopped.onStep = { if $0.step == step { $1.request() } }
    #expect {
      _ = try stopped.run()
    } throws: { error in
      guard case TrainingError.interrupted(step, resumable: true) = error else { return false }
      return true
    }
  }

  var csv: String { folder.path("log.csv") }
  var checkpoints: String { folder.path("states") }
  var state: String { "\(checkpoints)/latest.snugstate" }

  /// The rows of both logs without the pace, which no two runs share.
  func rows() throws -> [[TrainingRecord]] {
    try [(csv, TrainingLogFormat.csv), (folder.path("log.jsonl"), .jsonLines)].map { path, format in
      let text = try String(contentsOfFile: path, encoding: .utf8)
      return text.split(separator: "\n").compactMap { format.record($0) }.map {
        var row = $0
        row.samplesPerSecond = 0
        return row
      }
    }
  }

  /// The share of samples whose largest output is that of their label.
  static func accuracy(_ graph: Graph, _ data: ToyData) throws -> Double {
    let batch = try data.batch(Array(0..<data.count))
    let result = try Session(graph: graph).run(
      [graph.inputs[0]: batch.inputs[0]], fetch: graph.outputs)
    let scores = try #require(result[graph.outputs[0]]).elements(of: Float.self)
    let right = data.labels.enumerated().count { index, label in
      let row = scores[index * 3..<index * 3 + 3]
      return row.max() == row[index * 3 + label]
    }
    return Double(right) / Double(data.count)
  }
}
