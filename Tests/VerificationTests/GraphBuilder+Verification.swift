import GraphIR
import TestSupport
import Testing

@testable import Verification

extension GraphBuilder {
  func verify(_ bits: Int? = nil) throws -> VerificationResult {
    try Verifier.verify(model, accumulatorBits: bits)
  }

  /// The only layer of the graph.
  func layer() throws -> LayerAnalysis {
    let layers = try verify().layers
    try #require(layers.count == 1, "\(layers.map { "\($0.layer.name): \($0.findings)" })")
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
