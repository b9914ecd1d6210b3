import Execution
import GraphIR
import Operators
import TensorCore
import TestSupport
import Testing

@testable import Passes

/// What hls4ml 1.3 misreads, by trying it: written otherwise, or refused.
@Suite struct Hls4mlFormsTests {
  /// A node over an image or a signal of 4 channels.
  private static func graph(_ op: any Operator, _ sizes: [Int], weight: [Int]? = nil) -> Graph {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 4] + sizes))
    var inputs: [ValueID?] = [x]
    if let weight {
      inputs.append(
        graph.addConstant(
          name: "w",
          Tensor([Float](repeating: 1, count: weight.reduce(1, *)), shape: weight)))
    }
    graph.addOutput(graph.addNode(op, name: "node", inputs: inputs, output: "y"))
    return graph
  }

  static let refused: [(String, @Sendable () -> Graph)] = [
    ("average", { Self.graph(AveragePool(window: SlidingWindow(kernelShape: [2, 2])), [6, 6]) }),
    ("global average", { Self.graph(GlobalAveragePool(), [6, 6]) }),
    ("global average of a signal", { Self.graph(GlobalAveragePool(), [6]) }),
    ("global maximum of a signal", { Self.graph(GlobalMaxPool(), [6]) }),
    ("maximum of a signal", { Self.graph(MaxPool(window: SlidingWindow(kernelShape: [2])), [6]) }),
    ("depthwise", { Self.graph(Conv(group: 4), [6, 6], weight: [4, 1, 3, 3]) }),
    ("groups", { Self.graph(Conv(group: 2), [6, 6], weight: [4, 2, 3, 3]) }),
    (
      "dilated",
      {
        Self.graph(Conv(window: SlidingWindow(dilations: [2, 2])), [8, 8], weight: [4, 4, 3, 3])
      }
    ),
  ]

  @Test(arguments: refused.map(\.0)) func `what it would misread is refused by name`(_ kind: String)
    throws
  {
    let made = try #require(Self.refused.first { $0.0 == kind }).1()
    let error = #expect(throws: PassError.self) {
      var graph = made
      _ = try Hls4mlForms().run(&graph)
    }
    guard case .inexpressible(let node, _, let format, let reason)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(node == "node" && format == "hls4ml" && !reason.isEmpty)
  }

  @Test func `a global maximum of an image becomes one with a window, and computes the same`()
    throws
  {
    let before = Self.graph(GlobalMaxPool(), [5, 6])
    var graph = before
    let edits = try Hls4mlForms().run(&graph)
    #expect(edits.count == 1)
    #expect(try Hls4mlForms().run(&graph).isEmpty)
    #expect(graph[graph.nodeIDs[0]].op is MaxPool)
    let x = Tensor((0..<120).map { Float($0 * 37 % 61) }, shape: [1, 4, 5, 6])
    func run(_ graph: Graph) throws -> [Float] {
      let results = try Session(graph: graph).run([graph.inputs[0]: x], fetch: graph.outputs)
      return results[graph.outputs[0]]?.elements(of: Float.self) ?? []
    }
    #expect(try run(graph) == run(before))
  }

  @Test func `layers and pooling that it reads stay`() throws {
    for graph in [
      Self.graph(Conv(), [6, 6], weight: [4, 4, 3, 3]), Self.graph(Conv(), [6], weight: [4, 4, 3]),
      Self.graph(MaxPool(window: SlidingWindow(kernelShape: [2, 2])), [6, 6]),
      Self.graph(Relu(), [6, 6]),
    ] {
      var graph = graph
      #expect(try Hls4mlForms().run(&graph).isEmpty)
    }
  }
}
