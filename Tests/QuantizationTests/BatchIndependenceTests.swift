import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization

/// Which models are run on several samples at once.
@Suite struct BatchIndependenceTests {
  private func batchSize(_ graph: Graph) throws -> Int {
    let samples = try ConverterTests.samples(16, [4])
    return try SampleRunner(graph: graph, source: samples, limit: 16, opensBatch: false).batchSize
  }

  /// x -> product -> what `end` makes of it.
  private func graph(_ end: (inout ModelBuilder, ValueID) -> ValueID) -> Graph {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 4])
    builder.graph.addOutput(end(&builder, builder.linear(x, "a", from: 4, to: 4)))
    return builder.graph
  }

  @Test func `samples that are computed alike alone and together run in batches`() throws {
    #expect(try batchSize(graph { $0.relu($1, "r") }) > 1)
  }

  @Test func `a model that looks across samples runs them one by one`() throws {
    let graph = graph { builder, value in
      builder.graph.addNode(Softmax(axis: 0), name: "across", inputs: [value], output: "y")
    }
    #expect(try batchSize(graph) == 1)
  }

  @Test func `a batch that is open by name alone runs sample by sample`() throws {
    let graph = graph { builder, value in
      let shape = builder.graph.addConstant(name: "one", Tensor([Int64(1), 4], shape: [2]))
      return builder.graph.addNode(
        Reshape(), name: "reshape", inputs: [value, shape], output: "y")
    }
    #expect(try batchSize(graph) == 1)
  }
}
