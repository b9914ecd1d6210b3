import Execution
import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

@Suite struct TransposeEliminationTests {
  static let inward = [0, 3, 1, 2]
  static let outward = [0, 2, 3, 1]

  /// Two convolutions of a channels-last model with a shortcut, as TensorFlow exports it.
  static func channelsLast(_ activation: any Operator = Relu()) -> Graph {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, [.symbolic("n"), 4, 5, 3]))
    func transpose(_ value: ValueID, _ order: [Int], _ name: String) -> ValueID {
      graph.addNode(
        Transpose(permutation: order), name: name, inputs: [value], output: name + "_out")
    }
    func weight(_ shape: [Int], _ name: String) -> ValueID {
      let count = shape.reduce(1, *)
      let elements = (0..<count).map { Float($0 * 37 % 23) / 23 - 0.5 }
      return graph.addConstant(name: name, Tensor(elements, shape: shape))
    }
    let first = graph.addNode(
      Conv(), name: "first", inputs: [transpose(x, inward, "t0"), weight([6, 3, 1, 1], "w1")],
      output: "c1")
    let biased = graph.addNode(
      Add(), name: "bias", inputs: [transpose(first, outward, "t1"), weight([6], "b")],
      output: "a1")
    let rectified = graph.addNode(activation, name: "relu", inputs: [biased], output: "r1")
    let second = graph.addNode(
      Conv(), name: "second",
      inputs: [transpose(rectified, inward, "t2"), weight([6, 6, 1, 1], "w2")], output: "c2")
    let sum = graph.addNode(
      Add(), name: "sum", inputs: [rectified, transpose(second, outward, "t3")], output: "y")
    graph.addOutput(sum)
    return graph
  }

  static func transposes(_ graph: Graph) -> Int {
    graph.nodeIDs.count { graph[$0].op.isTransposition }
  }

  static func outputs(_ graph: Graph) throws -> [Float] {
    let elements: [Float] = (0..<120).map { index in Float(index * 29 % 31) / 31 - 0.4 }
    let input = Tensor(elements, shape: [2, 4, 5, 3])
    let results = try Session(graph: graph).run([graph.inputs[0]: input], fetch: graph.outputs)
    let output = try #require(results[graph.outputs[0]])
    return output.elements(of: Float.self)
  }

  private static let activations: [any Operator] = [
    Relu(), Elu(), HardSwish(), Sigmoid(), Gelu(), Softplus(), Tanh(),
  ]

  @Test(arguments: activations.indices)
  func `inner transpositions go, and what is computed stays, whatever the activation`(
    _ index: Int
  ) throws {
    let before = Self.channelsLast(Self.activations[index])
    var after = before
    try Pipeline.importCanonical.run(&after)
    #expect(Self.transposes(before) == 4)
    #expect(Self.transposes(after) == 2)
    #expect(after[after.inputs[0]].name == "x" && after[after.outputs[0]].name == "y")
    let (expected, actual) = (try Self.outputs(before), try Self.outputs(after))
    #expect(zip(expected, actual).allSatisfy { abs($0 - $1) <= 1e-5 })
    #expect(after[after.outputs[0]].type?.dimensions?.last == 6)
  }

  @Test func `a graph whose transpositions don't meet stays as it is`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [2, 3, 4, 5]))
    let moved = graph.addNode(
      Transpose(permutation: Self.outward), name: "t", inputs: [x], output: "m")
    let sum = graph.addNode(Relu(), name: "r", inputs: [moved], output: "s")
    let other = graph.addNode(
      Transpose(permutation: [1, 0, 2, 3]), name: "u", inputs: [x], output: "o")
    graph.addOutput(sum)
    graph.addOutput(other)
    #expect(try TransposeElimination().run(&graph).isEmpty)
    #expect(graph.node(named: "t") != nil && graph.node(named: "u") != nil)
  }
}
