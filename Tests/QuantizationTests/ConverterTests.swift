import AccumulatorBounds
import Execution
import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization

@Suite struct ConverterTests {
  static func model(_ graph: Graph) -> Model {
    Model(graph: graph, irVersion: 8, opsets: [OpsetImport(domain: "", version: 13)])
  }

  static func samples(_ count: Int, _ shape: [Int]) throws -> InMemoryCalibration {
    var builder = ModelBuilder()
    let values = builder.random(count * shape.reduce(1, *))
    let tensor = Tensor(values, shape: [count] + shape)
    return try #require(InMemoryCalibration([tensor]))
  }

  static func recipe(_ configure: (inout Recipe) -> Void = { _ in }) -> Recipe {
    var recipe = Recipe()
    configure(&recipe)
    return recipe
  }

  /// The node that quantizes a layer's weight.
  static func weightQuantizer(_ name: String, in graph: Graph) throws -> Node {
    let layer = try #require(graph.node(named: name))
    let weight = try #require(graph[layer].inputs[1])
    return try #require(graph.producer(of: weight))
  }

  /// The integers of a layer's weight, recomputed from the graph, as channels x K.
  static func integers(_ name: String, in graph: Graph) throws -> [[Int]] {
    let quantizer = try weightQuantizer(name, in: graph)
    #expect(quantizer.op is Quant)
    func floats(_ position: Int) throws -> [Float] {
      let value = try #require(quantizer.inputs[position])
      let tensor = try #require(graph[value].constant)
      return tensor.elements(of: Float.self)
    }
    let (weights, scales) = (try floats(0), try floats(1))
    let k = weights.count / scales.count
    return scales.indices.map { channel in
      weights[channel * k..<(channel + 1) * k].map { Int(($0 / scales[channel]).rounded()) }
    }
  }

  @Test(arguments: Recipe.Rounding.allCases, Recipe.ScaleCriterion.allCases)
  func `integers chosen by the output fit the accumulator`(
    rounding: Recipe.Rounding, scaleSearch: Recipe.ScaleCriterion
  ) throws {
    let converter = try Converter(
      Self.recipe {
        ($0.rounding, $0.scaleSearch, $0.accumulatorBits) = (rounding, scaleSearch, 8)
      })
    let samples = try Self.samples(8, [4, 6, 6])
    let conversion = try converter.convert(
      Self.model(ModelBuilder.residual()), calibration: samples)
    for name in ["a", "b"] {
      let layer = try #require(conversion.layers.first { $0.name == name })
      #expect(layer.repairs == 0 && !layer.inputSigned && layer.inputBits == 4)
      for row in try Self.integers(name, in: conversion.model.graph) {
        #expect(row.filter { $0 > 0 }.reduce(0, +) * 15 <= 127)
        #expect(row.filter { $0 < 0 }.reduce(0, +) * 15 >= -128)
      }
    }
  }

  @Test func `without samples the output's error can't be asked for and weights are rounded`()
    throws
  {
    var builder = ModelBuilder()
    let x = builder.input([.fixed(1), .fixed(6)])
    let op = Sigmoid()
    func squashed(_ value: ValueID, _ name: String) -> ValueID {
      builder.graph.addNode(op, name: name, inputs: [value], output: "\(name).out")
    }
    let first = squashed(builder.linear(squashed(x, "s0"), "first", from: 6, to: 6), "s1")
    let middle = squashed(builder.linear(first, "middle", from: 6, to: 6), "s2")
    builder.graph.addOutput(builder.linear(middle, "last", from: 6, to: 3))
    var integers: [[[Int]]] = []
    for rounding in Recipe.Rounding.allCases {
      let converter = try Converter(
        Self.recipe { ($0.rounding, $0.accumulatorBits) = (rounding, 9) })
      let conversion = try converter.convert(Self.model(builder.graph), calibration: nil)
      integers.append(try Self.integers("middle", in: conversion.model.graph))
    }
    #expect(Set(integers).count == 1)
  }

  @Test(
    arguments: [
      (Recipe.Method.a2qPlus, Recipe.Refinement.none), (.a2q, .none), (.exact, .none),
      (.a2qPlus, .best),
    ], [8, 10, 14])
  func `integers read back from the converted graph fit the accumulator`(
    method: (Recipe.Method, Recipe.Refinement), bits: Int
  ) throws {
    let converter = try Converter(
      Self.recipe {
        ($0.method, $0.refine) = method
        $0.accumulatorBits = bits
      })
    let result = try converter.convert(
      Self.model(ModelBuilder.residual()), calibration: try Self.samples(40, [4, 6, 6]))
    let limit = 1 << (bits - 1)
    for name in ["a", "b"] {
      for row in try Self.integers(name, in: result.model.graph) {
        let positive = row.filter { $0 > 0 }.reduce(0, +)
        let negative = -row.filter { $0 < 0 }.reduce(0, +)
        // Inputs are 0...15.
        #expect(15 * positive <= limit - 1 && 15 * negative <= limit)
      }
    }
  }

  @Test(arguments: [(12, 12), (10, 10), (9, 32)])
  func `a product that keeps its operands' bits is held to P where these allow it, else to 32 bits`(
    bits: Int, expected: Int
  ) throws {
    let recipe = Self.recipe {
      $0.accumulatorBits = bits
      $0.activationProducts = .wide
      $0.biasCorrection = false
    }
    let result = try Converter(recipe).convert(
      Self.model(ModelBuilder.attention()), calibration: try Self.samples(8, [5, 6]))
    let text = try #require(
      result.model.metadata.first { $0.key == AccumulatorAnnotation.metadataKey }?.value)
    let scores = try #require(
      try AccumulatorAnnotation.decode(text).first { $0.layer == "scores" })
    // Six products of -8 by -8.
    #expect(scores.requiredBits == 10)
    #expect(scores.targetBits == expected)
    let output = try #require(result.model.graph.value(named: "scores.out"))
    #expect(
      result.model.graph[output].annotations
        == [KeyValue("finn_datatype", "SCALEDINT<\(expected)>")])
    #expect(
      result.exemptions["scores"] == (expected == 32 ? .wideProduct(requiredBits: 10) : nil))
    #expect(result.exemptions["stem"] == .ioLayer && result.exemptions["q"] == nil)
  }

  @Test func `metadata and annotations say what each layer was held to`() throws {
    // Bias correction would give these convolutions a bias, and with it no annotation.
    let recipe = Self.recipe {
      $0.accumulatorBits = 12
      $0.biasCorrection = false
    }
    let result = try Converter(recipe).convert(
      Self.model(ModelBuilder.residual()), calibration: try Self.samples(8, [4, 6, 6]))
    let text = try #require(
      result.model.metadata.first { $0.key == AccumulatorAnnotation.metadataKey }?.value)
    let annotations = try AccumulatorAnnotation.decode(text)
    #expect(annotations.map(\.layer) == ["stem", "a", "b", "head"])
    #expect(annotations.map(\.targetBits) == [32, 12, 12, 32])
    #expect(annotations.allSatisfy { $0.requiredBits <= $0.targetBits ?? 0 })
    let graph = result.model.graph
    let output = try #require(graph.value(named: "a.out"))
    #expect(graph[output].annotations == [KeyValue("finn_datatype", "SCALEDINT<12>")])
    let quantized = try #require(graph.value(named: "stem_relu.out_quantized"))
    #expect(graph[quantized].annotations == [KeyValue("finn_datatype", "SCALEDINT<4>")])
    #expect(result.model.opset(of: "qonnx.custom_op.general") == 1)
  }

  @Test func `both branches of the addition carry the same scale, width and sign`() throws {
    let result = try Converter(Recipe()).convert(
      Self.model(ModelBuilder.residual()), calibration: try Self.samples(8, [4, 6, 6]))
    let graph = result.model.graph
    let sum = try #require(graph.node(named: "sum"))
    let quantizers = graph[sum].inputs.compactMap { $0.flatMap { graph.producer(of: $0) } }
    #expect(quantizers.count == 2 && quantizers[0].op.isEqual(to: quantizers[1].op))
    #expect(quantizers[0].inputs[1...] == quantizers[1].inputs[1...])
  }

  @Test(arguments: Recipe.Refinement.allCases)
  func `correction brings the mean of every layer's output back to the float one`(
    refine: Recipe.Refinement
  ) throws {
    let source = try Self.samples(64, [4, 6, 6])
    let float = ModelBuilder.residual()
    let converted = try Converter(
      Self.recipe {
        $0.weightBits = 3
        $0.refine = refine
        // Equalized layers give other outputs than before.
        $0.equalization = false
      }
    ).convert(Self.model(float), calibration: source).model.graph
    let x = try source.inputs(0..<64)
    for name in ["stem.out", "a.out", "b.out"] {
      func statistics(_ graph: Graph) throws -> ChannelStatistics {
        let value = try #require(graph.value(named: name))
        let result = try Session(graph: graph).run([graph.inputs[0]: x[0]], fetch: [value])
        var statistics = ChannelStatistics(channels: 4, axis: 1)
        let output = try #require(result[value])
        output.withElements(of: Float.self) {
          statistics.observe($0, shape: [64, 4, 6, 6])
        }
        return statistics
      }
      let (wanted, found) = (try statistics(float), try statistics(converted))
      for channel in 0..<4 {
        #expect(abs(wanted.means[channel] - found.means[channel]) < 1e-4, "\(name)")
        if refine == .best {
          #expect(abs(found.variances[channel] / wanted.variances[channel] - 1) < 1e-3, "\(name)")
        }
      }
    }
  }

  @Test(arguments: [Recipe.Method.a2q, .a2qPlus], [7, 9])
  func `a method that is named keeps its own bound, with searched scales and integers too`(
    method: Recipe.Method, bits: Int
  ) throws {
    let recipe = Self.recipe { ($0.method, $0.accumulatorBits) = (method, bits) }
    let conversion = try Converter(recipe).convert(
      Self.model(ModelBuilder.residual()), calibration: try Self.samples(8, [4, 6, 6]))
    #expect(
      conversion.layers.map(\.method) == ["exact", method.rawValue, method.rawValue, "exact"])
    // Inputs of the hidden layers are unsigned, 4 bits.
    let limit = Double(1 << (bits - 1) - 1) / (method == .a2q ? 16 : 15)
    for name in ["a", "b"] {
      let rows = try Self.integers(name, in: conversion.model.graph)
      #expect(rows.contains { $0.contains { $0 != 0 } })
      for row in rows {
        let (positive, negative) = (
          row.reduce(0) { $0 + max($1, 0) }, row.reduce(0) { $0 + max(-$1, 0) }
        )
        let used = method == .a2q ? positive + negative : max(positive, negative)
        #expect(Double(used) <= limit, "\(name)")
      }
    }
  }

  @Test func `zero-centring brings sums of weights to about zero, and only A2Q+ does it`() throws {
    var graph = ModelBuilder.residual()
    let weight = try #require(graph.value(named: "a.weight"))
    let tensor = try #require(graph[weight].constant)
    let shifted = tensor.elements(of: Float.self).map { $0 + 0.5 }
    graph.setConstant(weight, Tensor(shifted, shape: tensor.shape))
    for (method, isCentred) in [(Recipe.Method.a2qPlus, true), (.a2q, false), (.exact, false)] {
      let recipe = Self.recipe {
        ($0.method, $0.accumulatorBits, $0.rounding) = (method, 16, .nearest)
        $0.scaleSearch = .weights
      }
      let conversion = try Converter(recipe).convert(
        Self.model(graph), calibration: try Self.samples(8, [4, 6, 6]))
      for row in try Self.integers("a", in: conversion.model.graph) {
        let (sum, norm) = (row.reduce(0, +), row.reduce(0) { $0 + abs($1) })
        #expect((abs(sum) * 4 < norm) == isCentred, "\(method): \(sum) of \(norm)")
      }
    }
  }

  @Test(arguments: Recipe.Refinement.allCases)
  func `a layer with one weight a channel falls back to A2Q and says so`(
    refine: Recipe.Refinement
  ) throws {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 2, 3, 3])
    let stem = builder.relu(builder.convolution(x, "stem", from: 2, to: 1), "r1")
    let point = builder.relu(builder.convolution(stem, "pw", from: 1, to: 2, size: 1), "r2")
    builder.graph.addOutput(builder.convolution(point, "last", from: 2, to: 1))
    let recipe = Self.recipe { ($0.method, $0.refine) = (.a2qPlus, refine) }
    let result = try Converter(recipe).convert(
      Self.model(builder.graph), calibration: try Self.samples(4, [2, 3, 3]))
    #expect(result.layers.map(\.fellBackToA2Q) == [false, true, false])
  }

  @Test func `all-zero and constant channels convert`() throws {
    var graph = ModelBuilder.residual()
    let weight = try #require(graph.value(named: "a.weight"))
    let tensor = try #require(graph[weight].constant)
    var values = tensor.elements(of: Float.self)
    for index in 0..<36 { values[index] = 0 }
    for index in 36..<72 { values[index] = 0.25 }
    graph.setConstant(weight, Tensor(values, shape: [4, 4, 3, 3]))
    let result = try Converter(Recipe()).convert(
      Self.model(graph), calibration: try Self.samples(4, [4, 6, 6]))
    let integers = try Self.integers("a", in: result.model.graph)
    #expect(integers[0].allSatisfy { $0 == 0 })
  }

  @Test func `weights that are not finite are refused with the node's name`() throws {
    var graph = ModelBuilder.residual()
    let weight = try #require(graph.value(named: "b.weight"))
    let tensor = try #require(graph[weight].constant)
    var values = tensor.elements(of: Float.self)
    values[40] = .nan
    graph.setConstant(weight, Tensor(values, shape: [4, 4, 3, 3]))
    #expect {
      try Converter(Recipe()).convert(
        Self.model(graph), calibration: try Self.samples(4, [4, 6, 6]))
    } throws: { error in
      "\(error)".contains("NaN") || "\(error)".contains("node 'b'")
    }
  }

  @Test func `without samples every range that no operator bounds is named`() throws {
    #expect {
      try Converter(Recipe()).convert(Self.model(ModelBuilder.residual()), calibration: nil)
    } throws: { error in
      "\(error)" == "the range of 'x', 'stem_relu.out', 'a_relu.out' and 2 more activations "
        + "follows from no operator"
    }
  }

  @Test func `a model that is already quantized says so`() throws {
    let converted = try Converter(Recipe()).convert(
      Self.model(ModelBuilder.residual()), calibration: try Self.samples(4, [4, 6, 6]))
    #expect {
      try Converter(Recipe()).convert(
        converted.model, calibration: try Self.samples(4, [4, 6, 6]))
    } throws: { error in
      "\(error)".contains("already quantized")
    }
  }

  @Test(arguments: [true, false])
  func `two layers share a weight where both ask the same of it, else each gets integers`(
    isAlike: Bool
  ) throws {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 4, 4, 4])
    let stem = builder.relu(builder.convolution(x, "stem", from: 4, to: 4), "r1")
    let weight = builder.constant("shared", shape: [4, 4, 1, 1])
    let a = builder.graph.addNode(Conv(), name: "a", inputs: [stem, weight], output: "a.out")
    let ar = builder.relu(a, "r2")
    let b = builder.graph.addNode(Conv(), name: "b", inputs: [ar, weight], output: "b.out")
    builder.graph.addOutput(
      builder.convolution(builder.relu(b, "r3"), "last", from: 4, to: 2))
    let recipe = Self.recipe {
      if !isAlike { $0.layers = [Recipe.LayerOverride(match: "b") { $0.accumulatorBits = 12 }] }
    }
    let result = try Converter(recipe).convert(
      Self.model(builder.graph), calibration: try Self.samples(4, [4, 4, 4]))
    let graph = result.model.graph
    let weights = try ["a", "b"].compactMap { try Self.weightQuantizer($0, in: graph).inputs[0] }
    #expect((weights[0] == weights[1]) == isAlike)
    #expect(weights.allSatisfy { graph.consumers(of: $0).count == (isAlike ? 2 : 1) })
    let readers = try Self.weightQuantizer("a", in: graph).outputs.compactMap { $0 }
      .flatMap(graph.consumers)
    #expect(readers.map { graph[$0].name } == ["a"], "a quantizer has one reader")
  }

  @Test func `the same recipe and samples give the same model twice`() throws {
    let source = try Self.samples(16, [4, 6, 6])
    let runs = try (0..<2).map { _ in
      try Converter(Recipe()).convert(Self.model(ModelBuilder.residual()), calibration: source)
        .model.graph
    }
    #expect(runs[0].dump() == runs[1].dump())
    for id in runs[0].valueIDs { #expect(runs[0][id].constant == runs[1][id].constant) }
  }
}
