import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

@Suite struct InputShapeTests {
  /// Two inputs that share a batch, one of which is reshaped.
  private func graph() -> Graph {
    var graph = Graph(name: "shapes")
    let x = graph.addInput(
      name: "x", type: TensorType(.float32, [.symbolic("b"), .symbolic("s"), 4]))
    let mask = graph.addInput(
      name: "mask", type: TensorType(.float32, [.symbolic("b"), .symbolic("s"), 1]))
    graph.addOutput(graph.addNode(Mul(), name: "m", inputs: [x, mask], output: "y"))
    return graph
  }

  private func fixed(_ shapes: InputShapes) throws -> [String] {
    var graph = graph()
    try shapes.fix(&graph)
    _ = try ShapeInference().run(&graph)
    return (graph.inputs + graph.outputs).map { "\(graph[$0].type?.dimensions ?? [])" }
  }

  @Test func `a shape of one input fixes the same symbols everywhere`() throws {
    #expect(
      try fixed(InputShapes(shapes: ["x": [2, 5, 4]])) == ["[2, 5, 4]", "[2, 5, 1]", "[2, 5, 4]"])
  }

  @Test func `a batch fixes first dimensions alone`() throws {
    #expect(try fixed(InputShapes(batch: 3)) == ["[3, s, 4]", "[3, s, 1]", "[3, s, 4]"])
  }

  @Test func `shapes that the inputs can't have are refused`() throws {
    var graph = graph()
    #expect(throws: InputShapeError.unknownInput(name: "z", available: ["x", "mask"])) {
      try InputShapes(shapes: ["z": [1]]).fix(&graph)
    }
    #expect(
      throws: InputShapeError.mismatch(
        name: "x", stated: "\(graph[graph.inputs[0]].type!)", given: [1, 2, 3])
    ) {
      try InputShapes(shapes: ["x": [1, 2, 3]]).fix(&graph)
    }
    #expect(throws: InputShapeError.contradiction(name: "x", symbol: "b", sizes: [1, 2])) {
      try InputShapes(shapes: ["mask": [1, 5, 1], "x": [2, 5, 4]]).fix(&graph)
    }
  }
}
