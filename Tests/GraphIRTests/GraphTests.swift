import TensorCore
import Testing

@testable import GraphIR

@Suite struct GraphTests {
  /// x -> a -> b -> output
  static func chain() -> (Graph, [ValueID], [NodeID]) {
    var graph = Graph(name: "chain")
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [2]))
    let a = graph.addNode(op("A"), name: "a", inputs: [x], output: "va")
    let b = graph.addNode(op("B"), name: "b", inputs: [a], output: "vb")
    graph.addOutput(b)
    return (graph, [x, a, b], graph.nodeIDs)
  }

  static func op(_ type: String) -> OpaqueOperator {
    OpaqueOperator(domain: "test", type: type, attributes: [])
  }

  @Test func `an inserted node stands before its first consumer in topological order`() throws {
    var (graph, values, nodes) = Self.chain()
    let inserted = graph.addNode(Self.op("Q"), name: "q", inputs: [values[1]], output: "vq")
    graph.setInput(nodes[1], 0, to: inserted)
    let order = try graph.topologicalOrder().map { graph[$0].name }
    #expect(order == ["a", "q", "b"])
    #expect(graph.consumers(of: values[1]).map { graph[$0].name } == ["q"])
    try graph.validate()
  }

  @Test func `a cycle is refused with the names on it`() {
    var (graph, values, nodes) = Self.chain()
    graph.setInput(nodes[0], 0, to: values[2])
    #expect(throws: GraphError.cycle(nodes: ["a", "b"])) { try graph.validate() }
  }

  @Test func `a dangling input is refused`() {
    var (graph, _, nodes) = Self.chain()
    graph.setInput(nodes[0], 0, to: graph.addValue(name: "ghost"))
    #expect(throws: GraphError.danglingValue(name: "ghost", consumer: "a")) {
      try graph.validate()
    }
  }

  @Test func `replacing a graph output keeps the output's name`() throws {
    var (graph, values, nodes) = Self.chain()
    let quantized = graph.addNode(Self.op("Q"), name: "q", inputs: [values[2]], output: "vq")
    let q = try #require(graph[quantized].producer)
    graph.replaceAllUses(of: values[2], with: quantized, except: [q])
    #expect(graph.outputs.map { graph[$0].name } == ["vb"])
    #expect(graph[nodes[1]].outputs.compactMap { $0 }.map { graph[$0].name } == ["vq"])
    try graph.validate()
  }

  @Test func `names are made unique and become free again`() {
    var graph = Graph()
    let first = graph.addValue(name: "v")
    let second = graph.addValue(name: "v")
    #expect(graph[second].name == "v_1")
    graph.rename(first, to: "w")
    #expect(graph[graph.addValue(name: "v")].name == "v")
  }

  @Test func `a chain of 200,000 nodes is ordered without deep recursion`() throws {
    var graph = Graph()
    var value = graph.addInput(name: "x", type: nil)
    for _ in 0..<200_000 {
      value = graph.addNode(Self.op("A"), name: "n", inputs: [value], output: "v")
    }
    // Only the last node is a root for the search when the order of addition is reversed.
    #expect(try graph.topologicalOrder().count == 200_000)
  }
}
