import Execution
import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

/// What hls4ml and QONNX's channels-last operators match in a file.
@Suite struct ChannelsLastExportTests {
  private static let domain = "qonnx.custom_op.channels_last"

  private func tensor(_ shape: [Int], seed: Int) -> Tensor {
    Tensor(
      (0..<shape.reduce(1, *)).map { Float(($0 * 37 + seed * 11) % 15 - 7) * 0.25 }, shape: shape)
  }

  /// A quantizer with constant parameters; one scale an entry of `axis` where one is given.
  private func quantized(
    _ value: ValueID, _ name: String, shape: [Int] = [], axis: Int? = nil, in graph: inout Graph
  ) -> ValueID {
    var scales: [Float] = [0.25]
    var form: [Int] = []
    if let axis {
      scales = (0..<shape[axis]).map { $0 % 2 == 0 ? 0.25 : 0.5 }
      form = [Int](repeating: 1, count: shape.count)
      form[axis] = shape[axis]
    }
    let parameters = [
      graph.addConstant(name: name + "_scale", Tensor(scales, shape: form)),
      graph.addConstant(name: name + "_zero", Tensor(scalar: Float(0))),
      graph.addConstant(name: name + "_bits", Tensor(scalar: Float(4))),
    ]
    return graph.addNode(
      Quant(isSigned: true, isNarrow: axis != nil), name: name, inputs: [value] + parameters,
      output: name + "_out")
  }

  /// Quantized convolution with bias, normalisation, pooling, and a linear layer on the flattened image.
  private func network() throws -> Graph {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 2, 6, 6]))
    func weight(_ shape: [Int], axis: Int, _ name: String) -> ValueID {
      let data = graph.addConstant(name: name, tensor(shape, seed: shape[0]))
      return quantized(data, name + "_quant", shape: shape, axis: axis, in: &graph)
    }
    let bias = graph.addConstant(name: "b1", tensor([3], seed: 2))
    let conv = graph.addNode(
      Conv(window: SlidingWindow(autoPadding: .sameUpper)), name: "conv",
      inputs: [quantized(x, "in", in: &graph), weight([3, 2, 3, 3], axis: 0, "w1"), bias],
      output: "c")
    let statistics = ["gamma", "beta", "mean", "var"].enumerated().map { index, name in
      graph.addConstant(name: name, Tensor([1, 0.5, 2].map { $0 + Float(index) }, shape: [3]))
    }
    let normal = graph.addNode(
      BatchNormalization(), name: "bn", inputs: [conv] + statistics, output: "n")
    let relu = graph.addNode(Relu(), name: "relu", inputs: [normal], output: "r")
    let pool = graph.addNode(
      MaxPool(window: SlidingWindow(kernelShape: [2, 2], strides: [2, 2])), name: "pool",
      inputs: [relu], output: "p")
    let flat = graph.addNode(Flatten(axis: 1), name: "flat", inputs: [pool], output: "f")
    let linear = graph.addNode(
      Gemm(transposesB: true), name: "linear",
      inputs: [
        quantized(flat, "hidden", in: &graph), weight([4, 27], axis: 0, "w2"),
        graph.addConstant(name: "b2", tensor([4], seed: 1)),
      ], output: "y")
    graph.addOutput(linear)
    _ = try ShapeInference().run(&graph)
    return graph
  }

  private func output(_ graph: Graph, _ x: Tensor) throws -> [Float] {
    let results = try Session(graph: graph).run([graph.inputs[0]: x], fetch: graph.outputs)
    return try #require(results[graph.outputs[0]]).elements(of: Float.self)
  }

  /// The outputs of a channels-last graph for an image in channels-first order.
  private func outputRead(_ graph: Graph, _ x: Tensor) throws -> [Float] {
    var read = graph
    #expect(try !ChannelsLastImport(opset: 13).run(&read).isEmpty)
    let turned = try #require(x.moved([0, 2, 3, 1]))
    return try output(read, turned)
  }

  @Test func `channels-last operators state every attribute and need no transposition`() throws {
    let original = try network()
    var graph = original
    let passes: [any Pass] = [
      ChannelsLastExport(), TransposeIntoWeight(), DeadNodeElimination(),
    ]
    for pass in passes { _ = try pass.run(&graph) }
    let nodes = graph.nodeIDs.map { graph[$0] }
    #expect(!nodes.contains { $0.op is Transpose })
    func attributes(_ type: String) throws -> [Attribute] {
      let node = nodes.first { $0.op.type == type && $0.op.domain == Self.domain }
      return try #require(node).op.writtenAttributes
    }
    #expect(
      try attributes("Conv") == [
        Attribute("dilations", .ints([1, 1])), Attribute("group", .int(1)),
        Attribute("kernel_shape", .ints([3, 3])), Attribute("pads", .ints([1, 1, 1, 1])),
        Attribute("strides", .ints([1, 1])),
      ])
    #expect(
      try attributes("MaxPool") == [
        Attribute("kernel_shape", .ints([2, 2])), Attribute("pads", .ints([0, 0, 0, 0])),
        Attribute("strides", .ints([2, 2])),
      ])
    #expect(try attributes("BatchNormalization").map(\.name).contains("epsilon"))
    #expect(graph[graph.inputs[0]].type?.shape == [1, 6, 6, 2])
    let conv = try #require(nodes.first { $0.op.type == "Conv" })
    // Readers of the domain take the shapes of its inputs from the file.
    let shapes = conv.inputs.map { $0.flatMap { graph[$0].type?.shape } }
    #expect(shapes == [[1, 6, 6, 2], [3, 3, 3, 2], [3]])
    let x = tensor([1, 2, 6, 6], seed: 5)
    #expect(try outputRead(graph, x) == output(original, x))
  }

  @Test(arguments: [true, false])
  func `channels first again, a file has no transposition but at its input`(movesWeights: Bool)
    throws
  {
    let original = try network()
    var graph = original
    let passes: [any Pass] = [
      ChannelsLastExport(), TransposeIntoWeight(), DeadNodeElimination(),
      ChannelsLastImport(opset: 13), ShapeInference(),
      ChannelsFirstExport(movesWeights: movesWeights), DeadNodeElimination(),
    ]
    for pass in passes { _ = try pass.run(&graph) }
    let nodes = graph.nodeIDs.map { graph[$0] }
    #expect(nodes.allSatisfy { $0.op.domain != Self.domain })
    // The image is flattened in the order of channels last unless the weight of the layer behind is moved.
    #expect(nodes.count { $0.op is Transpose } == (movesWeights ? 1 : 2))
    #expect(graph[graph.inputs[0]].type?.shape == [1, 6, 6, 2])
    let x = tensor([1, 2, 6, 6], seed: 5)
    let turned = try #require(x.moved([0, 2, 3, 1]))
    #expect(try output(graph, turned) == output(original, x))
    var again = graph
    #expect(try ChannelsFirstExport(movesWeights: movesWeights).run(&again).isEmpty)
  }

  /// A linear layer with integers as bias on the scale of its accumulator.
  private func biasedLayer(inputStep: Float, isSeparate: Bool = false) throws -> Graph {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 6]))
    let shape = isSeparate ? [6, 3] : [3, 6]
    let data = graph.addConstant(name: "w", tensor(shape, seed: 1))
    let weight = quantized(data, "q", shape: shape, axis: isSeparate ? 1 : 0, in: &graph)
    // The weight's steps are 0.25, 0.5, 0.25.
    let steps = [0.25, 0.5, 0.25].map { $0 * inputStep }
    let bias = graph.addConstant(
      name: "b", Tensor(zip(steps, [100, -37, 5]).map { $0 * $1 }, shape: [3]))
    let parameters = [
      graph.addConstant(name: "bs", Tensor(steps, shape: [3])),
      graph.addConstant(name: "bz", Tensor(scalar: Float(0))),
      graph.addConstant(name: "bb", Tensor(scalar: Float(12))),
    ]
    let integers = graph.addNode(
      Quant(isSigned: true, isNarrow: false), name: "bq", inputs: [bias] + parameters,
      output: "bq_out")
    if isSeparate {
      let product = graph.addNode(MatMul(), name: "linear", inputs: [x, weight], output: "p")
      graph.addOutput(
        graph.addNode(Add(), name: "add", inputs: [integers, product], output: "y"))
    } else {
      graph.addOutput(
        graph.addNode(
          Gemm(transposesB: true), name: "linear", inputs: [x, weight, integers], output: "y"))
    }
    _ = try ShapeInference().run(&graph)
    return graph
  }

  @Test(arguments: [false, true])
  func `biases of integers on one power-of-two step are added to the sums`(isSeparate: Bool) throws
  {
    let original = try biasedLayer(inputStep: 0.125, isSeparate: isSeparate)
    var graph = original
    #expect(try !ScalesBehindLayers().run(&graph).isEmpty)
    let nodes = try graph.topologicalOrder().map { graph[$0] }
    #expect(nodes.filter { !($0.op is Quant) }.map(\.op.type) == ["MatMul", "Add", "Mul"])
    let add = try #require(nodes.first { $0.op is Add })
    let quantizer = try #require(add.inputs[1].flatMap { graph.producer(of: $0) })
    let constants = quantizer.inputs.map { value in
      value.flatMap { graph[$0].constant }?.elements(of: Float.self)
    }
    #expect(constants == [[12.5, -4.625, 0.625], [0.125], [0], [12]])
    let x = tensor([1, 6], seed: 3)
    #expect(try output(graph, x) == output(original, x))
  }

  @Test func `biases on any other step are added behind the scales`() throws {
    var graph = try biasedLayer(inputStep: 0.3)
    #expect(try !ScalesBehindLayers().run(&graph).isEmpty)
    let nodes = try graph.topologicalOrder().map { graph[$0] }
    #expect(nodes.filter { !($0.op is Quant) }.map(\.op.type) == ["MatMul", "Mul", "Add"])
  }

  @Test func `scales and biases of channels stand behind layers that multiply integers`() throws {
    let original = try network()
    var graph = original
    for pass in [ScalesBehindLayers(), DeadNodeElimination()] as [any Pass] {
      _ = try pass.run(&graph)
    }
    let nodes = graph.nodeIDs.map { graph[$0] }
    #expect(!nodes.contains { $0.op is Gemm })
    for layer in nodes where layer.op is Conv || layer.op is MatMul {
      #expect(layer.inputs.count == 2, "\(layer.name)")
      let weight = try #require(layer.inputs[1])
      let quantizer = try #require(graph.producer(of: weight))
      let parameters = quantizer.inputs.map { $0.flatMap { graph[$0].constant } }
      let scale = try #require(parameters[1])
      #expect(scale.elements(of: Float.self) == [1], "\(layer.name)")
      let integers = try #require(parameters[0]).elements(of: Float.self)
      #expect(integers.allSatisfy { $0 == $0.rounded() && abs($0) <= 7 }, "\(layer.name)")
      let sums = try #require(layer.outputs[0])
      let readers = graph.consumers(of: sums)
      #expect(readers.map { graph[$0].op.type } == ["Mul"], "\(layer.name)")
    }
    let x = tensor([1, 2, 6, 6], seed: 5)
    let (expected, actual) = (try output(original, x), try output(graph, x))
    #expect(zip(expected, actual).allSatisfy { abs($0 - $1) <= 1e-5 })
  }

  @Test
  func `a weight that several channels of the sum share a scale with keeps its transposition`()
    throws
  {
    // The scale follows the rows that the transposition would reorder.
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 2, 2, 3]))
    let turned = graph.addNode(
      Transpose(permutation: [0, 3, 1, 2]), name: "t", inputs: [x], output: "t_out")
    let flat = graph.addNode(Flatten(axis: 1), name: "f", inputs: [turned], output: "f_out")
    let data = graph.addConstant(name: "w", tensor([12, 4], seed: 1))
    let weight = quantized(data, "q", shape: [12, 4], axis: 0, in: &graph)
    graph.addOutput(
      graph.addNode(MatMul(), name: "m", inputs: [flat, weight], output: "y"))
    _ = try ShapeInference().run(&graph)
    #expect(try TransposeIntoWeight().run(&graph).isEmpty)
  }
}
