import Execution
import GraphIR
import OnnxFormat
import Operators
import Passes
import TensorCore
import TestSupport
import Testing
import Verification

@testable import Quantization

/// Conversions of recurrent nets.
@Suite struct RecurrentConversionTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let steps = 5

  /// x of samples, steps and 6 features -> LSTM or GRU of 8 -> a linear layer of the last state.
  private func graph(_ type: String, steps: Dimension = .fixed(steps), hasHead: Bool = true)
    -> Graph
  {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), steps, 6])
    let gates = type == "LSTM" ? 4 : 3
    let weights = [("w", [1, 8 * gates, 6]), ("r", [1, 8 * gates, 8]), ("b", [1, 16 * gates])].map {
      builder.graph.addConstant(
        name: $0, Tensor(builder.random($1.reduce(1, *)).map { $0 / 2 }, shape: $1))
    }
    let state = builder.graph.addValue(name: "state")
    let op: any Operator =
      type == "LSTM"
      ? LSTM(RecurrentSettings(hiddenSize: 8, isBatchFirst: true, defaults: LSTM.defaults))
      : GRU(
        RecurrentSettings(hiddenSize: 8, isBatchFirst: true, defaults: GRU.defaults),
        resetsProducts: type == "GRU of products")
    builder.graph.addNode(op, name: "cell", inputs: [x] + weights, outputs: [nil, state])
    guard hasHead else {
      builder.graph.addOutput(state)
      return builder.graph
    }
    builder.graph.addOutput(
      builder.linear(builder.flatten(state, "flatten"), "head", from: 8, to: 3))
    return builder.graph
  }

  private func convert(
    _ type: String, _ configure: (inout Recipe) -> Void = { _ in }
  ) throws -> Conversion {
    try Converter(ConverterTests.recipe(configure)).convert(
      ConverterTests.model(graph(type)),
      calibration: try ConverterTests.samples(32, [Self.steps, 6]))
  }

  private func verdict(_ conversion: Conversion) throws -> VerificationResult {
    let path = folder.path("out.onnx")
    try OnnxWriter.write(conversion.model, to: path)
    return try Verifier.verify(try OnnxReader.read(path: path, resolver: OpaqueResolver()))
  }

  @Test(arguments: ["LSTM", "GRU", "GRU of products"])
  func `every product of every step is certified`(_ type: String) throws {
    let result = try verdict(try convert(type))
    #expect(result.isCertified, "\(result.layers.flatMap(\.findings)) \(result.findings)")
    // The input, the state from the second step on, for a GRU that resets states twice, and the head.
    #expect(result.layers.count == (type == "GRU" ? 10 : 6))
    let states = result.layers.filter { $0.layer.name.hasPrefix("cell_state") }
    #expect(states.count == Self.steps - 1)
    #expect(states.allSatisfy { $0.targetBits == 16 })
  }

  @Test(arguments: ["LSTM", "GRU", "GRU of products"])
  func `with 8 bits the converted net computes nearly what the float one does`(_ type: String)
    throws
  {
    let conversion = try convert(type) {
      ($0.weightBits, $0.activationBits, $0.accumulatorBits) = (8, 8, 24)
    }
    let x = Tensor(
      (0..<20 * Self.steps * 6).map { Float(($0 * 37) % 101 - 50) / 50 },
      shape: [20, Self.steps, 6])
    func run(_ graph: Graph) throws -> [Float] {
      let results = try Session(graph: graph).run([graph.inputs[0]: x], fetch: graph.outputs)
      return try #require(results[graph.outputs[0]]).elements(of: Float.self)
    }
    let (float, quantized) = (try run(graph(type)), try run(conversion.model.graph))
    let error = zip(float, quantized).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
    let size = float.map { $0 * $0 }.reduce(0, +)
    #expect(error < 0.001 * size, "\(error / size)")
    #expect(error > 0)
  }

  /// The constant behind the quantizer of a layer's weight.
  private static func constant(of layer: String, in graph: Graph) throws -> ValueID {
    let node = try #require(graph.node(named: layer))
    let quantizer = try #require(graph[node].inputs[1].flatMap { graph.producer(of: $0) })
    return try #require(quantizer.inputs[0])
  }

  @Test(arguments: Recipe.Rounding.allCases, Recipe.ScaleCriterion.allCases)
  func `all steps read one quantized weight, however the integers are chosen`(
    rounding: Recipe.Rounding, scaleSearch: Recipe.ScaleCriterion
  ) throws {
    let conversion = try convert("LSTM") { ($0.rounding, $0.scaleSearch) = (rounding, scaleSearch) }
    let graph = conversion.model.graph
    let names = (1..<Self.steps).map { "cell_state_\($0)" }
    let weights = try names.map { name in
      try Self.constant(of: name, in: graph)
    }
    // Behind a quantizer of each step's own.
    #expect(Set(weights).count == 1 && graph.consumers(of: weights[0]).count == names.count)
    #expect(try verdict(conversion).isCertified)
  }

  @Test func `a step that asks for other bits has a weight of its own`() throws {
    let conversion = try convert("LSTM") {
      $0.layers = [Recipe.LayerOverride(match: "cell_state_2") { $0.weightBits = 6 }]
    }
    let graph = conversion.model.graph
    let weights = try (1..<Self.steps).map { step in
      try Self.constant(of: "cell_state_\(step)", in: graph)
    }
    #expect(Set(weights).count == 2 && weights[0] == weights[2] && weights[0] != weights[1])
    #expect(try verdict(conversion).isCertified)
  }

  @Test func `a layer of open length stays, and prevents a certificate`() throws {
    let conversion = try Converter(ConverterTests.recipe()).convert(
      ConverterTests.model(graph("LSTM", steps: .symbolic("t"))),
      calibration: try ConverterTests.samples(8, [Self.steps, 6]))
    #expect(conversion.exemptions["cell"] == .recurrent(.openLength))
    #expect(conversion.layers.map(\.name) == ["head"])
    let result = try verdict(conversion)
    #expect(!result.isCertified && !result.isRefuted)
  }

  @Test func `a net of nothing but a layer of open length is refused with the reason`() throws {
    let graph = graph("GRU", steps: .symbolic("t"), hasHead: false)
    do {
      _ = try Converter(ConverterTests.recipe()).convert(
        ConverterTests.model(graph), calibration: try ConverterTests.samples(8, [Self.steps, 6]))
      Issue.record("a conversion of nothing")
    } catch ConversionError.recurrent(let node, let obstacle) {
      #expect(node == "cell" && obstacle == .openLength)
    }
  }
}
