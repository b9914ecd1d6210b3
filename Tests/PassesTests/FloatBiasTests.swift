import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

@Suite struct FloatBiasTests {
  @Test func `a real bias of a convolution is added behind it, one number a channel`() throws {
    var graph = Graph(name: "bias")
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 2, 3, 3]))
    let w = graph.addConstant(
      name: "w", Tensor([Float](repeating: 1, count: 6), shape: [3, 2, 1, 1]))
    let b = graph.addConstant(name: "b", Tensor([Float(1), 2, 3], shape: [3]))
    let y = graph.addNode(Conv(), name: "conv", inputs: [x, w, b], output: "y")
    graph.addOutput(y)
    _ = try ShapeInference().run(&graph)
    _ = try FloatBiasBehindLayer().run(&graph)
    let add = try #require(graph.producer(of: y))
    #expect(add.op.elementwise == .sum)
    let addend = try #require(add.inputs[1].flatMap { graph[$0].constant })
    #expect(addend.shape == [3, 1, 1] && addend.elements(of: Float.self) == [1, 2, 3])
    #expect(graph.producer(of: try #require(add.inputs[0]))?.inputs.count == 2)
  }

  @Test func `beta of a Gemm goes into what is added`() throws {
    var graph = Graph(name: "bias")
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 2]))
    let w = graph.addConstant(name: "w", Tensor([Float](repeating: 1, count: 6), shape: [2, 3]))
    let b = graph.addConstant(name: "b", Tensor([Float(1), 2, 3], shape: [3]))
    var gemm = Gemm()
    gemm.beta = 0.5
    let y = graph.addNode(gemm, name: "gemm", inputs: [x, w, b], output: "y")
    graph.addOutput(y)
    _ = try ShapeInference().run(&graph)
    _ = try FloatBiasBehindLayer().run(&graph)
    let addend = graph.producer(of: y)?.inputs[1].flatMap { graph[$0].constant }
    #expect(addend?.elements(of: Float.self) == [0.5, 1, 1.5])
  }

  /// x, multiplied with a weight, plus a row.
  private func product(of shape: [Int], row: [Int]) throws -> Graph {
    var graph = Graph(name: "row")
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: shape))
    let w = graph.addConstant(name: "w", Tensor([Float](repeating: 1, count: 6), shape: [2, 3]))
    let b = graph.addConstant(name: "b", Tensor([Float(1), 2, 3], shape: row))
    let sums = graph.addNode(MatMul(), name: "product", inputs: [x, w], output: "sums")
    graph.addOutput(graph.addNode(Add(), name: "add", inputs: [b, sums], output: "y"))
    _ = try ShapeInference().run(&graph)
    #expect(try FloatBiasBehindLayer().run(&graph).count == 1)
    try graph.validate()
    #expect(try FloatBiasBehindLayer().run(&graph).isEmpty)
    return graph
  }

  @Test(arguments: [[3], [1, 3]]) func `a row behind a product of matrices stands behind a Gemm`(
    _ row: [Int]
  ) throws {
    let graph = try product(of: [4, 2], row: row)
    let add = try #require(graph.producer(of: graph.outputs[0]))
    let layer = try #require(add.inputs[1].flatMap { graph.producer(of: $0) })
    #expect(layer.op is Gemm && layer.inputs.count == 2 && layer.name == "product")
  }

  @Test func `a row behind a product of stacks has as many dimensions as the product`() throws {
    let graph = try product(of: [5, 4, 2], row: [3])
    let add = try #require(graph.producer(of: graph.outputs[0]))
    #expect(add.inputs[0].flatMap { graph[$0].constant?.shape } == [1, 1, 3])
  }
}
