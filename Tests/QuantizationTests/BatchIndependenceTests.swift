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

  @Test func `a model whose shapes follow from data runs sample by sample, though two agree`()
    throws
  {
    // The target of the Reshape is [0 * max, 4], where 0 keeps the number of samples.
    let graph = graph { builder, value in
      let zero = builder.graph.addConstant(name: "zero", Tensor(scalar: Float(0)))
      let one = builder.graph.addConstant(name: "one", Tensor([Int64(1)], shape: [1]))
      let four = builder.graph.addConstant(name: "four", Tensor([Int64(4)], shape: [1]))
      let largest = builder.graph.addNode(
        ReduceMax(axes: ReductionAxes(.attribute(nil))), name: "max", inputs: [value],
        output: "max")
      let product = builder.graph.addNode(
        Mul(), name: "mul", inputs: [largest, zero], output: "product")
      let count = builder.graph.addNode(
        Cast(to: .int64), name: "cast", inputs: [product], output: "count")
      let vector = builder.graph.addNode(
        Reshape(), name: "vector", inputs: [count, one], output: "vector")
      let target = builder.graph.addNode(
        Concat(axis: 0), name: "concat", inputs: [vector, four], output: "target")
      return builder.graph.addNode(
        Reshape(), name: "reshape", inputs: [value, target], output: "y")
    }
    #expect(try batchSize(graph) == 1)
  }
}
