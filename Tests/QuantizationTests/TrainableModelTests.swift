import Execution
import GraphIR
import OnnxFormat
import TensorCore
import TestSupport
import Testing
import Verification

@testable import Quantization

@Suite struct TrainableModelTests {
  @Test(arguments: TrainableSample.all)
  func `what training computes is what the baked model computes`(_ sample: TrainableSample) throws {
    let model = try sample.trainable()
    let values = ParameterValues(model.parameters, shiftedBy: 0.1)
    let x = try #require(try ConverterTests.samples(24, sample.shape).inputs(0..<24).first)
    let trained = try values.forward(model, x)
    let baked = try model.bake(values.tensor).model.graph
    let output = try #require(baked.outputs.first)
    let result = try Session(graph: baked).run([baked.inputs[0]: x], fetch: [output])[output]
    let expected = try #require(result).elements(of: Float.self)
    let largest = try #require(expected.map(\.magnitude).max())
    try #require(trained.count == expected.count && largest > 0)
    let differences = zip(trained, expected).map { ($0 - $1).magnitude / largest }
    #expect(differences.allSatisfy { $0 <= 1e-5 }, "\(differences.max() ?? 0)")
  }

  @Test(arguments: TrainableSample.all.filter { $0.method != .unconstrained })
  func `integers after any change of the parameters are certified from the file`(
    _ sample: TrainableSample
  ) throws {
    let model = try sample.trainable()
    let folder = try TemporaryFolder()
    for (index, shift) in [0, 0.4].enumerated() {
      let values = ParameterValues(model.parameters, shiftedBy: Float(shift))
      let path = folder.path("\(index).onnx")
      try OnnxWriter.write(try model.bake(values.tensor).model, to: path)
      let verdict = try Verifier.verify(try OnnxReader.read(path: path, resolver: OpaqueResolver()))
      #expect(verdict.isCertified, "\(verdict.layers.flatMap(\.findings)) \(verdict.findings)")
      #expect(verdict.layers.dropFirst().dropLast().allSatisfy { $0.targetBits == 12 })
      #expect(verdict.layers.count == model.layers.count)
    }
  }

  @Test func `every constant that is trained has its kind, and weights alone decay`() throws {
    let sample = try #require(
      TrainableSample.all.first { $0.testDescription == "normalized, a2q+" })
    let parameters = try sample.trainable().parameters
    func names(_ kind: TrainableParameter.Kind) -> [String] {
      parameters.filter { $0.kind == kind }.map(\.name).sorted()
    }
    let layers = ["a", "b", "head", "stem"]
    #expect(names(.weight) == layers.map { "\($0)_weight" })
    #expect(names(.log2Scale) == layers.map { "\($0)_log2_scale" })
    // The ends are held to exact sums, which have no norm.
    #expect(names(.log2Norm) == ["a_log2_norm", "b_log2_norm"])
    #expect(names(.bias) == ["head.bias"])
    let normalizations = ["a_bn", "b_bn", "stem_bn"]
    #expect(names(.normalization) == normalizations.flatMap { ["\($0).bias", "\($0).scale"] })
    #expect(names(.statistic) == normalizations.flatMap { ["\($0).mean", "\($0).variance"] })
    #expect(names(.log2Statistic).count == 6)
    #expect(Set(parameters.map(\.value)).count == parameters.count)
    #expect(parameters.allSatisfy { $0.kind.decays == ($0.kind == .weight) })
    #expect(parameters.allSatisfy { $0.kind.hasGradient == ($0.kind != .statistic) })
  }

  @Test func `layers that a recipe leaves in floating point train their weights too`() throws {
    let recipe = ConverterTests.recipe { $0.layers = [.init(match: "b") { $0.quantize = false }] }
    let model = try Converter(recipe).trainable(
      ConverterTests.model(ModelBuilder.residual()),
      calibration: try ConverterTests.samples(8, [4, 6, 6]))
    #expect(model.layers.map(\.name) == ["stem", "a", "head"])
    let weight = try #require(model.parameters.first { $0.name == "b.weight" })
    #expect(weight.kind == .weight)
    let values = ParameterValues(model.parameters, shiftedBy: 0.5)
    let baked = try model.bake(values.tensor).model.graph
    let written = try #require(baked.value(named: "b.weight"))
    #expect(baked[written].constant == values.tensor(weight.value))
  }

  @Test func `a model of batch 1 trains in larger batches and keeps its batch of 1`() throws {
    let graph = ModelBuilder.normalizedResidual(batch: 1)
    let model = try Converter(Recipe()).trainable(
      ConverterTests.model(graph), calibration: try ConverterTests.samples(16, [4, 6, 6]))
    let values = ParameterValues(model.parameters, shiftedBy: 0)
    let x = try #require(try ConverterTests.samples(8, [4, 6, 6]).inputs(0..<8).first)
    let together = try values.forward(model, x)
    #expect(together.count == 8 * 3)

    let baked = try model.bake(values.tensor).model.graph
    #expect(baked[baked.inputs[0]].type == TensorType(.float32, [1, 4, 6, 6]))
    let session = try Session(graph: baked)
    for index in 0..<8 {
      let one = try #require(x.slice(index..<index + 1))
      let result = try session.run([baked.inputs[0]: one], fetch: baked.outputs)
      let expected = try #require(result[baked.outputs[0]]).elements(of: Float.self)
      for (a, b) in zip(together[index * 3..<index * 3 + 3], expected) {
        #expect(abs(a - b) <= 1e-4 * max(1, abs(b)))
      }
    }
  }

  @Test func `running statistics come to be those of the data that is trained on`()
    throws
  {
    let graph = ModelBuilder.normalizedResidual()
    let model = try Converter(Recipe()).trainable(
      ConverterTests.model(graph), calibration: try ConverterTests.samples(16, [4, 6, 6]))
    let values = ParameterValues(model.parameters, shiftedBy: 0)
    let x = try #require(try ConverterTests.samples(32, [4, 6, 6]).inputs(0..<32).first)
    let batch = try values.forward(model, x, runs: 200, freezesNormalization: false)
    let frozen = try values.forward(model, x)
    // The variance of few samples is corrected for their number, which may move single codes.
    let differences = zip(batch, frozen).map { Double(abs($0 - $1)) }
    #expect(differences.reduce(0, +) / Double(differences.count) < 0.02)
  }

  @Test func `parameters that are not finite are refused with the layer's name`() throws {
    let sample = try #require(TrainableSample.all.first)
    let model = try sample.trainable()
    let values = ParameterValues(model.parameters, shiftedBy: 0)
    let bad = try #require(model.layers.first { $0.name == "a" }).log2Scale
    #expect {
      try model.bake {
        $0 == bad ? Tensor([.nan, 0, 0, 0] as [Float], shape: [4]) : values.tensor($0)
      }
    } throws: { "\($0)".contains("'a'") }
  }
}

/// Parameters in memory of their own, near what a model starts from.
private final class ParameterValues {
  private let parameters: [TrainableParameter]
  private var memory: [ValueID: ParameterMemory] = [:]

  /// - Parameter shift: weights, biases and factors change by up to this part of the largest of their tensor,
  ///   logarithms by up to this.
  init(_ parameters: [TrainableParameter], shiftedBy shift: Float) {
    self.parameters = parameters
    var random = SplitMix(seed: 3)
    for parameter in parameters {
      let initial = parameter.initial.elements(of: Float.self)
      let largest = initial.map(\.magnitude).max() ?? 0
      let values = UnsafeMutablePointer<Float>.allocate(capacity: initial.count)
      let gradient = UnsafeMutablePointer<Float>.allocate(capacity: initial.count)
      gradient.initialize(repeating: 0, count: initial.count)
      for (index, value) in initial.enumerated() {
        let change = shift * Float.random(in: -1...1, using: &random)
        switch parameter.kind {
        case .log2Scale, .log2Norm, .log2Statistic: values[index] = value + change
        case .statistic: values[index] = value
        case .weight, .bias, .normalization: values[index] = value + change * largest
        }
      }
      memory[parameter.value] = ParameterMemory(
        shape: parameter.initial.shape, values: values,
        gradient: parameter.kind.hasGradient ? gradient : nil)
      if !parameter.kind.hasGradient { gradient.deallocate() }
    }
  }

  deinit {
    for place in memory.values {
      place.values.deallocate()
      place.gradient?.deallocate()
    }
  }

  func tensor(_ value: ValueID) -> Tensor {
    guard let place = memory[value] else { preconditionFailure("not a parameter") }
    let count = place.shape.reduce(1, *)
    return Tensor(Array(UnsafeBufferPointer(start: place.values, count: count)), shape: place.shape)
  }

  /// The output of a model's training graph.
  func forward(
    _ model: TrainableModel, _ x: Tensor, runs: Int = 1, freezesNormalization: Bool = true
  ) throws -> [Float] {
    let session = try TrainingSession(
      graph: model.graph, parameters: memory,
      options: KernelOptions(freezesNormalization: freezesNormalization))
    let feeds = [model.graph.inputs[0]: x]
    let plan = try session.plan(for: feeds.mapValues { ConcreteType($0.elementType, $0.shape) })
    for _ in 0..<runs { try plan.forward(feeds) }
    return Array(UnsafeBufferPointer(start: plan.output.values, count: plan.output.count))
  }
}
