import Execution
import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

@Suite struct VectorProductTests {
  private static func numbers(_ count: Int) -> [Float] {
    (0..<count).map { Float(($0 * 7) % 11) / 4 - 1 }
  }

  /// A stack of matrices times a vector, on either side.
  private func graph(isLeft: Bool) -> Graph {
    var graph = Graph(name: "vector")
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [2, 3, 3]))
    let w = graph.addConstant(name: "w", Tensor(Self.numbers(3), shape: [3]))
    graph.addOutput(
      graph.addNode(MatMul(), name: "m", inputs: isLeft ? [w, x] : [x, w], output: "y"))
    return graph
  }

  @Test(arguments: [true, false]) func `a product with a vector has a matrix, and the same result`(
    isLeft: Bool
  ) throws {
    var graph = graph(isLeft: isLeft)
    let x = Self.numbers(18)
    _ = try ShapeInference().run(&graph)
    #expect(try VectorProducts().run(&graph).map(\.node) == ["m"])
    try graph.validate()
    #expect(try VectorProducts().run(&graph).isEmpty)
    let results = try Session(graph: graph).run(
      [graph.inputs[0]: Tensor(x, shape: [2, 3, 3])], fetch: graph.outputs)
    let result = try #require(results[graph.outputs[0]])
    #expect(result.shape == [2, 3])
    let w = Self.numbers(3)
    let expected = (0..<6).map { place -> Float in
      let (matrix, line) = (place / 3, place % 3)
      return (0..<3).map { k in
        x[matrix * 9 + (isLeft ? k * 3 + line : line * 3 + k)] * w[k]
      }.reduce(0, +)
    }
    #expect(zip(result.elements(of: Float.self), expected).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func `a product of two vectors stays`() throws {
    var graph = Graph(name: "vectors")
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [3]))
    let w = graph.addConstant(name: "w", Tensor(Self.numbers(3), shape: [3]))
    graph.addOutput(graph.addNode(MatMul(), name: "m", inputs: [x, w], output: "y"))
    _ = try ShapeInference().run(&graph)
    #expect(try VectorProducts().run(&graph).isEmpty)
  }
}
