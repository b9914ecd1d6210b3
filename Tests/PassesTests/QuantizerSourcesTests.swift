import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

/// Producers of what hls4ml's quantizers read.
@Suite struct QuantizerSourcesTests {
  /// Relu -> quantizers, and where asked for a reader of the value itself.
  private static func graph(quantizers: Int, hasReader: Bool) -> Graph {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 4]))
    let y = graph.addNode(Relu(), name: "relu", inputs: [x], output: "y")
    let parameters = [
      graph.addConstant(name: "scale", Tensor(scalar: Float(0.25))),
      graph.addConstant(name: "zero", Tensor(scalar: Float(0))),
      graph.addConstant(name: "bits", Tensor(scalar: Float(4))),
    ]
    for index in 0..<quantizers {
      graph.addOutput(
        graph.addNode(
          Quant(isSigned: false, isNarrow: false), name: "q\(index)", inputs: [y] + parameters,
          output: "q\(index)"))
    }
    if hasReader {
      graph.addOutput(graph.addNode(Neg(), name: "neg", inputs: [y], output: "n"))
    }
    return graph
  }

  @Test(arguments: [(1, false, 0), (2, false, 1), (3, false, 2), (1, true, 1), (2, true, 2)])
  func `every quantizer but one that reads alone gets a producer`(
    _ quantizers: Int, _ hasReader: Bool, _ copies: Int
  ) throws {
    var graph = Self.graph(quantizers: quantizers, hasReader: hasReader)
    let edits = try QuantizerSources().run(&graph)
    #expect(edits.count == copies)
    try graph.validate()
    let rectifiers = graph.nodeIDs.filter { graph[$0].op is Relu }
    #expect(rectifiers.count == copies + 1)
    for rectifier in rectifiers {
      let readers = graph.consumers(of: try #require(graph[rectifier].outputs[0]))
      #expect(readers.count == 1 && graph[rectifier].inputs == [graph.inputs[0]])
    }
    #expect(try QuantizerSources().run(&graph).isEmpty)
  }
}
