import Execution
import GraphIR
import OnnxFormat
import Quantization
import TensorCore
import TestSupport
import Testing

@testable import Training

@Suite struct ReconstructionTests {
  /// Integers that were not chosen by the output leave something to find.
  private func recipe(_ bits: Int, biasBits: Int? = nil, folds: Bool = false) -> Recipe {
    var recipe = Recipe()
    recipe.biasBits = biasBits
    recipe.foldBatchNormalization = folds
    recipe.accumulatorBits = bits
    recipe.scaleSearch = .weights
    recipe.rounding = .nearest
    return recipe
  }

  private func reconstruction(
    steps: Int = 200, bits: Int = 8, biasBits: Int? = nil, folds: Bool = false
  ) throws -> BlockReconstruction {
    let inputs = try ToyData(256, reference: .none).batch(Array(0..<256)).inputs
    let samples = try #require(InMemoryCalibration(inputs))
    var settings = BlockReconstruction.Settings()
    settings.steps = steps
    return try BlockReconstruction(
      try Converter(recipe(bits, biasBits: biasBits, folds: folds)).trainable(
        ToyTraining.float(), calibration: samples, asConverted: true),
      calibration: samples, settings: settings)
  }

  /// Mean squared difference from the float model's outputs on samples that nothing was fitted to.
  private func error(_ conversion: Conversion) throws -> Double {
    let x = try ToyData(64, reference: .none, seed: 77).batch(Array(0..<64)).inputs[0]
    func output(_ graph: Graph) throws -> [Float] {
      let result = try Session(graph: graph).run([graph.inputs[0]: x], fetch: graph.outputs)
      return try #require(result[graph.outputs[0]]).elements(of: Float.self)
    }
    let (found, wanted) = (
      try output(conversion.model.graph), try output(ToyTraining.float().graph)
    )
    return zip(found, wanted).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
      / Double(wanted.count)
  }

  @Test func `blocks meet in single values, a shortcut within one`() throws {
    let graph = ToyTraining.float().graph
    let blocks = try ReconstructionBlock.all(in: graph)
    #expect(
      blocks.map { $0.inputs.map { graph[$0].name } } == [["x"], ["stem_relu.out"], ["flat"]])
    #expect(blocks.map { graph[$0.output].name } == ["stem_relu.out", "flat", "y"])
  }

  @Test func `a block that can't be cut at its output is joined with the next`() throws {
    let graph = ToyTraining.float().graph
    let blocks = try ReconstructionBlock.all(in: graph)
    let joined = ReconstructionBlock.joined(blocks) { graph[$0].name != "stem_relu.out" }
    #expect(joined.map { graph[$0.output].name } == ["flat", "y"])
    #expect(joined.map(\.inputs) == [blocks[0].inputs, blocks[2].inputs])
  }

  @Test func `each block comes nearer to the float one, and so does the network`() throws {
    let (model, blocks, network) = try reconstruction(bits: 12).run()
    #expect(blocks.map(\.output) == ["stem_relu.out", "flat", "y"])
    #expect(blocks.allSatisfy { $0.after <= $0.before })
    #expect(blocks.contains { $0.after < 0.95 * $0.before }, "\(blocks)")
    let outcome = try #require(network)
    #expect(outcome.after < outcome.before, "\(outcome)")
    let before = try error(try reconstruction(steps: 0, bits: 12).run().model.bake())
    let after = try error(try model.bake())
    #expect(after < before, "\(before) to \(after)")
  }

  @Test func `what makes the network worse is not kept`() throws {
    // So few integers fit that a step of one unit is a large one.
    let (model, _, network) = try reconstruction(bits: 8).run()
    let outcome = try #require(network)
    if outcome.after >= outcome.before {
      let start = try reconstruction(steps: 0, bits: 8).run().model
      #expect(model.parameters.map(\.initial) == start.parameters.map(\.initial))
    }
    let before = try error(try reconstruction(steps: 0, bits: 8).run().model.bake())
    #expect(try error(try model.bake()) <= 1.1 * before)
  }

  @Test func `without steps the integers are those of the conversion`() throws {
    let inputs = try ToyData(256, reference: .none).batch(Array(0..<256)).inputs
    let samples = try #require(InMemoryCalibration(inputs))
    let converted = try Converter(recipe(8)).convert(ToyTraining.float(), calibration: samples)
    let graph = try reconstruction(steps: 0).run().model.bake().model.graph
    for name in ["stem.weight", "middle.weight", "head.weight"] {
      func constant(_ graph: Graph) throws -> [Float] {
        let value = try #require(graph.value(named: name))
        return try #require(graph[value].constant).elements(of: Float.self)
      }
      for (a, b) in zip(try constant(graph), try constant(converted.model.graph)) {
        #expect(abs(a - b) <= 1e-5 * abs(b))
      }
    }
  }

  @Test func `every accumulator keeps its width`() throws {
    let conversion = try reconstruction(bits: 7).run().model.bake()
    let graph = conversion.model.graph
    let layer = try #require(graph.node(named: "middle"))
    let quantizer = try #require(graph[layer].inputs[1].flatMap { graph.producer(of: $0) })
    func floats(_ position: Int) throws -> [Float] {
      let value = try #require(quantizer.inputs[position])
      return try #require(graph[value].constant).elements(of: Float.self)
    }
    let (weights, scales) = (try floats(0), try floats(1))
    for (channel, scale) in scales.enumerated() {
      let row = weights[channel * 54..<(channel + 1) * 54].map { Int(($0 / scale).rounded()) }
      // Inputs are 0...15.
      #expect(15 * row.filter { $0 > 0 }.reduce(0, +) <= 63)
      #expect(-15 * row.filter { $0 < 0 }.reduce(0, +) <= 64)
    }
  }

  /// The integers behind the quantizer of a layer's constant input; `nil` where there is none.
  private func integers(_ graph: Graph, _ name: String, _ position: Int) throws -> [Int]? {
    let node = graph[try #require(graph.node(named: name))]
    guard node.inputs.count > position, let value = node.inputs[position],
      let quantizer = graph.producer(of: value)
    else { return nil }
    func floats(_ position: Int) throws -> [Float] {
      let value = try #require(quantizer.inputs[position])
      return try #require(graph[value].constant).elements(of: Float.self)
    }
    let (values, scales) = (try floats(0), try floats(1))
    let length = values.count / scales.count
    return values.indices.map { Int((values[$0] / scales[$0 / length]).rounded()) }
  }

  @Test(arguments: [true, false])
  func `without steps the biases in the accumulators are those of the conversion too`(folds: Bool)
    throws
  {
    let inputs = try ToyData(256, reference: .none).batch(Array(0..<256)).inputs
    let samples = try #require(InMemoryCalibration(inputs))
    let converted = try Converter(recipe(8, biasBits: 12, folds: folds))
      .convert(ToyTraining.float(), calibration: samples)
    let found = try reconstruction(steps: 0, bits: 8, biasBits: 12, folds: folds).run().model.bake()
    for name in ["stem", "middle", "head"] {
      for position in 1...2 {
        let wanted = try integers(converted.model.graph, name, position)
        #expect(try integers(found.model.graph, name, position) == wanted, "\(name)")
        // Normalisations that are kept take what a bias would.
        #expect((wanted == nil) == (position == 2 && !folds && name != "head"), "\(name)")
      }
    }
    let (before, after) = (try error(converted), try error(found))
    #expect(abs(before - after) <= 1e-4 * before)
  }

  @Test func `blocks come nearer with biases in the accumulators, which keep their width`() throws {
    let (model, _, network) = try reconstruction(bits: 12, biasBits: 12, folds: true).run()
    let outcome = try #require(network)
    #expect(outcome.after < outcome.before, "\(outcome)")
    let narrow = try reconstruction(bits: 7, biasBits: 8, folds: true).run().model
    for (bits, conversion) in [(12, try model.bake()), (7, try narrow.bake())] {
      let graph = conversion.model.graph
      let weights = try #require(try integers(graph, "middle", 1))
      let biases = try #require(try integers(graph, "middle", 2))
      #expect(biases.contains { $0 != 0 })
      for (channel, bias) in biases.enumerated() {
        let row = weights[channel * 54..<(channel + 1) * 54]
        // Inputs are 0...15, and the bias comes first or last.
        let above = max(bias, 0) + 15 * row.filter { $0 > 0 }.reduce(0, +)
        let below = min(bias, 0) + 15 * row.filter { $0 < 0 }.reduce(0, +)
        #expect(above <= 1 << (bits - 1) - 1 && below >= -(1 << (bits - 1)), "\(bits) bits")
      }
    }
  }

  @Test func `the same samples and seed give the same model twice`() throws {
    let graphs = try (0..<2).map { _ in
      try reconstruction(steps: 20).run().model.bake().model.graph
    }
    for id in graphs[0].valueIDs { #expect(graphs[0][id].constant == graphs[1][id].constant) }
  }
}
