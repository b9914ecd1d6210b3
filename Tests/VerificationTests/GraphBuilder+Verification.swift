import GraphIR
import TestSupport

@testable import Verification

extension GraphBuilder {
  func verify(_ bits: Int? = nil) throws -> VerificationResult {
    try Verifier.verify(model, accumulatorBits: bits)
  }

  /// The only layer of the graph.
  func layer() throws -> LayerAnalysis {
    let layers = try verify().layers
    precondition(layers.count == 1, "\(layers.count) layers")
    return layers[0].layer
  }
}

extension LayerAnalysis {
  /// All integers, channel by channel.
  var integers: [[Int64]] {
    guard let reader else { return [] }
    return reader.channels.indices.map { reader.integers(ofChannel: $0) }
  }
}
