import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

@Suite struct QuantizersBesideLayersTests {
  /// Two inputs, each quantized; joined, reshaped, and multiplied with a quantized weight.
  private func graph(secondScale: Float) throws -> Graph {
    var graph = Graph(name: "moved")
    let zero = graph.addConstant(name: "zero", Tensor(scalar: Int8(0)))
    func dequantized(_ codes: ValueID, _ scale: Float, _ name: String) -> ValueID {
      graph.addNode(
        DequantizeLinear(axis: 1), name: name,
        inputs: [codes, graph.addConstant(name: name + "_s", Tensor(scalar: scale)), zero],
        output: name + "_d")
    }
    var parts: [ValueID?] = []
    for (name, scale) in [("a", Float(0.5)), ("b", secondScale)] {
      let x = graph.addInput(name: name, type: TensorType(.float32, shape: [2, 2]))
      let step = graph.addConstant(name: name + "_step", Tensor(scalar: scale))
      let codes = graph.addNode(
        QuantizeLinear(axis: 1), name: name + "_q", inputs: [x, step, zero], output: name + "_codes"
      )
      parts.append(dequantized(codes, scale, name))
    }
    let joined = graph.addNode(Concat(axis: 1), name: "concat", inputs: parts, output: "joined")
    let weight = graph.addConstant(
      name: "w", Tensor([Int8](repeating: 1, count: 12), shape: [4, 3]))
    let scaled = dequantized(weight, 0.25, "w")
    for index in 0..<2 {
      let product = graph.addNode(
        MatMul(), name: "product\(index)", inputs: [joined, scaled], output: "y\(index)")
      graph.addOutput(product)
    }
    _ = try ShapeInference().run(&graph)
    return graph
  }

  private func quantizers(_ graph: Graph) -> Int {
    graph.nodeIDs.filter { graph[$0].op is QuantizeLinear }.count
  }

  @Test func `products that read moved codes read one quantizer, and a second run adds none`()
    throws
  {
    var graph = try graph(secondScale: 0.5)
    #expect(try QuantizersBesideLayers().run(&graph).map(\.node) == ["product0", "product1"])
    try graph.validate()
    #expect(quantizers(graph) == 3)
    let operands = graph.outputs.map { graph.producer(of: $0)?.inputs[0] }
    #expect(operands[0] == operands[1])
    #expect(operands[0].map { graph.producer(of: $0)?.op is DequantizeLinear } == true)
    #expect(try QuantizersBesideLayers().run(&graph).isEmpty)
  }

  @Test func `what has two scales has no quantizer of its own`() throws {
    var graph = try graph(secondScale: 0.25)
    #expect(try QuantizersBesideLayers().run(&graph).isEmpty)
    #expect(quantizers(graph) == 2)
  }
}
