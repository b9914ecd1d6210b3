import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization

/// How clipping ranges follow from samples.
@Suite struct RangeEstimatorTests {
  /// The scales of all activation quantizers.
  private func scales(_ configure: (inout Recipe) -> Void) throws -> [Float] {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 6])
    let hidden = builder.relu(builder.linear(x, "first", from: 6, to: 8), "relu")
    let middle = builder.relu(builder.linear(hidden, "middle", from: 8, to: 8), "relu2")
    builder.graph.addOutput(builder.linear(middle, "last", from: 8, to: 3))
    let graph = try Converter(ConverterTests.recipe(configure)).convert(
      ConverterTests.model(builder.graph), calibration: try ConverterTests.samples(64, [6])
    ).model.graph
    return graph.nodeIDs.map { graph[$0] }.compactMap { node in
      guard node.op is Quant, let data = node.inputs[0], graph[data].constant == nil else {
        return nil
      }
      return node.inputs[1].flatMap { graph[$0].constant }?.elements(of: Float.self).first
    }
  }

  /// Ranges of both kinds in one model: 8 bits at both ends, and the recipe's between them.
  @Test(arguments: [4, 8]) func `8 bits take the percentile, fewer the least squared error`(
    _ bits: Int
  ) throws {
    let found = try scales { $0.activationBits = bits }
    let percentile = try scales {
      $0.activationBits = bits
      $0.rangeEstimator = .percentile
    }
    let error = try scales {
      $0.activationBits = bits
      $0.rangeEstimator = .mse
    }
    #expect(found.count == 3 && zip(percentile, error).allSatisfy { $0 != $1 })
    #expect(found[0] == percentile[0] && found[2] == percentile[2])
    #expect(found[1] == (bits == 8 ? percentile : error)[1])
  }

  @Test func `powers of two take the least squared error, whatever the bits`() throws {
    func scales(_ estimator: Recipe.RangeEstimator) throws -> [Float] {
      try self.scales {
        $0.rangeEstimator = estimator
        $0.scaleType = .powerOfTwo
      }
    }
    #expect(try scales(.automatic) == scales(.mse))
  }
}
