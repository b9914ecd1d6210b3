import CZlib
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

/// Trainings on folders of images.
@Suite struct ImageTrainingTests {
  let folder: TemporaryFolder

  /// Ten images of 24x24 pixels: smooth waves, each of its own frequencies.
  init() throws {
    folder = try TemporaryFolder()
    for index in 0..<10 {
      var pixels: [UInt8] = []
      for place in 0..<24 * 24 * 3 {
        let (x, y, channel) = (place / 3 % 24, place / 72, place % 3)
        let across = sin(Double(x * (index + 2)) / 9 + Double(channel))
        let down = cos(Double(y * (index % 3 + 1)) / 6)
        pixels.append(UInt8(127 + 60 * (across + down)))
      }
      _ = try folder.write(Self.png(side: 24, pixels), to: "\(index).png")
    }
  }

  private func open(_ graph: Graph, _ task: DatasetTask?) throws -> any Dataset {
    let inputs = graph.inputs.compactMap { id in
      graph[id].type.map { DatasetRequest.Input(name: graph[id].name, type: $0) }
    }
    return try DatasetLoader.open(
      path: folder.url.path, for: DatasetRequest(inputs: inputs, task: task))
  }

  /// Trains a model on the folder; returns the losses and the best metric.
  private func train(
    _ graph: Graph, _ task: DatasetTask?, _ settings: TrainingSettings,
    _ validation: Trainer.Validation? = nil
  ) throws -> (losses: [Double], summary: TrainingSummary) {
    let data = try open(graph, task)
    let samples = try data.batch(Array(0..<8)).inputs
    let model = try Converter(Recipe()).trainable(
      Model(graph: graph, irVersion: 8, opsets: [OpsetImport(domain: "", version: 13)]),
      calibration: InMemoryCalibration(samples))
    var outputs = Trainer.Outputs()
    let logs = try TemporaryFolder()
    outputs.csv = logs.path("log.csv")
    let trainer = try Trainer(
      model, dataset: data, settings: settings, validation: validation, outputs: outputs)
    let (_, summary) = try trainer.run()
    let rows = try String(contentsOfFile: logs.path("log.csv"), encoding: .utf8)
      .split(separator: "\n").compactMap { TrainingLogFormat.csv.record($0) }
    return (rows.map(\.loss), summary)
  }

  @Test func `a network that doubles images learns from pairs made of a folder`() throws {
    let graph = Self.espcn()
    var settings = TrainingSettings()
    settings.epochs = 20
    settings.batchSize = 5
    settings.learningRate = 0.01
    settings.augmentation = Augmentation(flipsHorizontally: true, patch: 12)
    let data = try open(graph, .superResolution(scale: 2))
    #expect(data.reference == .targets)
    let batch = try data.batch(Array(0..<10))
    let targets = try #require(batch.targets).elements(of: Float.self)
    // PSNR as Snug's metric of the task has it: over all pixels in 0...1.
    func quality(_ graph: Graph) throws -> Double {
      let result = try Session(graph: graph).run(
        [graph.inputs[0]: batch.inputs[0]], fetch: graph.outputs)
      let values = try #require(result[graph.outputs[0]]).elements(of: Float.self)
      let error = zip(values, targets).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }
      return -10 * log10(error / Double(targets.count))
    }
    let validation = Trainer.Validation(
      metricName: "PSNR (dB)", direction: .higherIsBetter, floatMetric: nil, measure: quality)
    let (losses, summary) = try train(graph, .superResolution(scale: 2), settings, validation)
    let before = try quality(graph)
    #expect(try #require(summary.bestMetric) > before + 3)
    #expect(losses[losses.count - 1] < 0.5 * losses[0], "\(losses)")
  }

  @Test func `a classifier imitates itself on a flat folder without labels`() throws {
    var settings = TrainingSettings()
    settings.epochs = 10
    settings.batchSize = 5
    settings.learningRate = 0.003
    settings.augmentation = Augmentation(flipsHorizontally: true, cropPadding: 2, brightness: 0.2)
    let graph = Self.classifier()
    #expect(try open(graph, nil).reference == .none)
    let (losses, _) = try train(graph, nil, settings)
    #expect(losses.allSatisfy { $0.isFinite && $0 >= 0 })
    #expect(losses[losses.count - 1] < losses[0], "\(losses)")
  }

  // MARK: Models and images

  private static func convolutions(_ channels: [Int]) -> (graph: Graph, last: ValueID) {
    var graph = Graph(name: "images")
    var random = SplitMix(seed: 8)
    var value = graph.addInput(
      name: "x", type: TensorType(.float32, [.symbolic("n"), 3, .unknown, .unknown]))
    for (index, (from, to)) in zip(channels, channels.dropFirst()).enumerated() {
      let spread = (1 / Float(from * 9)).squareRoot()
      let weights = (0..<to * from * 9).map { _ in
        Float.random(in: -spread...spread, using: &random)
      }
      let weight = graph.addConstant(
        name: "w\(index)", Tensor(weights, shape: [to, from, 3, 3]))
      let bias = graph.addConstant(
        name: "b\(index)", Tensor([Float](repeating: 0.1, count: to), shape: [to]))
      value = graph.addNode(
        Conv(window: SlidingWindow(pads: [1, 1, 1, 1])), name: "conv\(index)",
        inputs: [value, weight, bias], output: "c\(index)")
      if index + 2 < channels.count {
        value = graph.addNode(
          Relu(), name: "relu\(index)", inputs: [value], output: "r\(index)")
      }
    }
    return (graph, value)
  }

  /// Convolutions and a shuffle of channels to pixels (arXiv 1609.05158).
  private static func espcn() -> Graph {
    var (graph, last) = convolutions([3, 8, 8, 12])
    graph.addOutput(
      graph.addNode(DepthToSpace(blockSize: 2), name: "shuffle", inputs: [last], output: "y"))
    return graph
  }

  private static func classifier() -> Graph {
    var (graph, last) = convolutions([3, 6, 6, 4])
    let pooled = graph.addNode(
      GlobalAveragePool(), name: "pool", inputs: [last], output: "pooled")
    graph.addOutput(
      graph.addNode(Flatten(axis: 1), name: "flatten", inputs: [pooled], output: "y"))
    return graph
  }

  /// A PNG file of RGB pixels.
  private static func png(side: Int, _ pixels: [UInt8]) throws -> [UInt8] {
    func bigEndian(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 0xFF) } }
    func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
      let body: [UInt8] = Array(type.utf8) + content
      let checksum = Int(crc32(0, body, UInt32(body.count)))
      return bigEndian(content.count) + body + bigEndian(checksum)
    }
    var rows: [UInt8] = []
    for row in 0..<side {
      // Each row begins with the filter 0.
      rows.append(0)
      rows += pixels[row * 3 * side..<(row + 1) * 3 * side]
    }
    var size = compressBound(UInt(rows.count))
    var packed = [UInt8](repeating: 0, count: Int(size))
    try #require(compress(&packed, &size, rows, UInt(rows.count)) == Z_OK)
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    bytes += chunk("IHDR", bigEndian(side) + bigEndian(side) + [8, 2, 0, 0, 0])
    bytes += chunk("IDAT", Array(packed[..<Int(size)]))
    return bytes + chunk("IEND", [])
  }
}
