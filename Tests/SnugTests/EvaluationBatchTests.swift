import GraphIR
import Operators
import TensorCore
import TestSupport
import Testing

@testable import Snug

/// The samples that an evaluation computes at once.
@Suite struct EvaluationBatchTests {
  /// A rectifier of open batch, with no types but that of the graph's input.
  private static func rectifier(channels: Int, size: Int) -> Graph {
    var graph = Graph(name: "test")
    let type = TensorType(.float32, [.symbolic("N"), .fixed(channels), .fixed(size), .fixed(size)])
    let x = graph.addInput(name: "x", type: type)
    let y = graph.addNode(Relu(), name: "relu", inputs: [x], output: "y", type: nil)
    graph.addOutput(y)
    return graph
  }

  @Test func `batches are as large as two megabytes for each thread hold, 16 to 64 samples`() {
    func count(_ channels: Int, _ size: Int, threads: Int) -> Int {
      let graph = Self.rectifier(channels: channels, size: size)
      return Parallelism.$threadCountOfTask.withValue(threads) { CacheSizedBatch.count(for: graph) }
    }
    #expect(count(1, 8, threads: 1) == 64)
    // A sample of 128 KiB that is read and written
    #expect(count(16, 32, threads: 1) == 16)
    #expect(count(16, 32, threads: 4) == 64)
    #expect(count(64, 112, threads: 64) == 16)
  }

  @Test func `the size of batches changes no accuracy`() throws {
    let model = ModelFile(Fixtures.path("digits/model.onnx"))
    var values: [Double] = []
    for size in [nil, 1, 7, 500] {
      var options = EvaluationOptions()
      options.batchSize = size
      options.limit = 300
      values.append(try model.evaluate(on: Fixtures.path("digits/test.npz"), options).value)
    }
    #expect(Set(values).count == 1)
  }
}
