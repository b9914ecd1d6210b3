import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

/// Linear quantization, and operators on quantized tensors, as QONNX quantizers.
@Suite struct QuantExportTests {
  private func quant(
    _ bits: Int, signed: Bool, narrow: Bool, zero: Float = 0, shape: [Int] = [1, 2, 4, 4]
  ) throws -> Graph {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: shape))
    let parameters = [("s", Float(0.25)), ("z", zero), ("b", Float(bits))].map { name, value in
      graph.addConstant(name: name, Tensor(scalar: value))
    }
    graph.addOutput(
      graph.addNode(
        Quant(isSigned: signed, isNarrow: narrow), name: "q", inputs: [x] + parameters,
        output: "y"))
    _ = try ShapeInference().run(&graph)
    return graph
  }

  private func parameters(_ node: Node, in graph: Graph) -> [[Float]] {
    node.inputs.dropFirst().map { value in
      value.flatMap { graph[$0].constant }?.convertedToFloat()?.elements(of: Float.self) ?? []
    }
  }

  @Test(arguments: [2, 3, 4, 7, 8], [(true, true), (true, false), (false, false)])
  func `a quantizer comes back from linear quantization as it was`(
    _ bits: Int, _ form: (signed: Bool, narrow: Bool)
  ) throws {
    let original = try quant(
      bits, signed: form.signed, narrow: form.narrow, zero: form.signed ? 0 : 1)
    var graph = original
    _ = try LinearQuantizerExport(usesFourBits: false).run(&graph)
    #expect(!graph.nodeIDs.contains { graph[$0].op is Quant })
    _ = try QuantExport().run(&graph)
    let nodes = graph.nodeIDs.map { graph[$0] }
    #expect(nodes.count == 1)
    let node = try #require(nodes.first)
    #expect(node.op as? Quant == Quant(isSigned: form.signed, isNarrow: form.narrow))
    let before = try #require(original.nodeIDs.first)
    #expect(parameters(node, in: graph) == parameters(original[before], in: original))
    #expect(graph[graph.outputs[0]].name == "y")
  }

  @Test func `codes that are pooled become values that are`() throws {
    var graph = try quant(4, signed: false, narrow: false)
    _ = try LinearQuantizerExport(usesFourBits: false).run(&graph)
    let dequantize = try #require(graph.nodeIDs.first { graph[$0].op is DequantizeLinear })
    let codes = try #require(graph[dequantize].inputs[0])
    let pooled = graph.addNode(
      MaxPool(window: SlidingWindow(kernelShape: [2, 2], strides: [2, 2])), name: "pool",
      inputs: [codes], output: "pooled", type: TensorType(.uint8, shape: [1, 2, 2, 2]))
    graph.setInput(dequantize, 0, to: pooled)
    _ = try QuantExport().run(&graph)
    let order = try graph.topologicalOrder().map { graph[$0].op.type }
    #expect(order == ["Quant", "MaxPool"])
    #expect(graph.producer(of: graph.outputs[0])?.op is MaxPool)
    #expect(graph[graph.outputs[0]].type?.elementType == .float32)
  }

  @Test func `operators on integers are refused by name`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [2, 3]))
    let outputs = ["c", "s", "z"].map { graph.addValue(name: $0) }
    graph.addNode(DynamicQuantizeLinear(), name: "dynamic", inputs: [x], outputs: outputs)
    outputs.forEach { graph.addOutput($0) }
    let error = #expect(throws: PassError.self) { try QuantExport().run(&graph) }
    #expect(error.map { "\($0)" }?.contains("'dynamic'") == true)
  }

  @Test func `an operator with too few inputs stays as it is`() throws {
    for type in ["QLinearAdd", "QGemm", "QLinearConcat", "QLinearAveragePool"] {
      for count in 0..<5 {
        var graph = Graph()
        let inputs = (0..<count).map {
          graph.addInput(name: "i\($0)", type: TensorType(.uint8, shape: [2, 3]))
        }
        graph.addOutput(
          graph.addNode(
            OpaqueOperator(domain: "com.microsoft", type: type, attributes: []), name: "n",
            inputs: inputs, output: "y"))
        let pass = QuantizedOperatorDecomposition(opset: 17, keepsStandard: false)
        let edits = try? pass.run(&graph)
        #expect(edits?.isEmpty ?? true, "\(type) \(count)")
      }
    }
  }
}
