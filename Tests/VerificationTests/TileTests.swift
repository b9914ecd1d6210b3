import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Layers that are summed in tiles, as an annotation of the file says.
@Suite struct TileTests {
  /// Weights in tiles of two on unsigned two-bit inputs: tiles reach 9, -12, 6; their sums 15 and -15.
  static let weights: [Float] = [3, 0, -1, -3, 2, -1]

  static func builder(
    target: Int = 5, required: Int = 5, outer: Int = 6, bias: Float? = nil
  ) -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 2, signed: false)
    let w = builder.quant(
      builder.constant(weights, [1, 6], name: "w"), bits: 3, signed: true, narrow: true)
    var inputs = [x, w]
    if let bias {
      inputs.append(builder.quant(builder.constant([bias], [1], name: "b"), bits: 6, signed: true))
    }
    builder.output(
      builder.node("Gemm", inputs, [Attribute("transB", .int(1))], name: "fc"))
    let entry = AccumulatorAnnotation(
      layer: "fc", output: "fc_out", weight: "w", targetBits: target, requiredBits: required,
      inputBits: 2, inputSigned: false, method: "exact",
      tiling: .init(size: 2, outerBits: outer))
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    return builder
  }

  @Test func `each tile and their sum are tested against registers of their own`() throws {
    let result = try Self.builder(outer: 5).verify()
    #expect(result.isCertified)
    let tiles = try #require(result.layers[0].tiles)
    #expect(tiles.requiredBits == 5 && tiles.outerRequiredBits == 5)
    #expect(result.layers[0].requiredBits == 5)
    // In one register the products could reach 15, too, and -15.
    #expect(tiles.channels[0].outer.maximum == 15 && tiles.channels[0].outer.minimum == -15)
    #expect(tiles.channels[0].inner.maximum == 9 && tiles.channels[0].inner.minimum == -12)
  }

  @Test func `a tile that overflows is refuted by its own products`() throws {
    let verdict = try Self.builder().verify(4).layers[0]
    #expect(verdict.findings == [.tileOverflow(channels: 1, targetBits: 4, requiredBits: 5)])
    let example = try #require(verdict.counterexample)
    #expect(example.tile == 1 && example.prefix == [2, 3] && example.sum == -12)
    #expect(Self.sum(example) == -12)
  }

  @Test(arguments: [Float(1), -4, 0])
  func `tiles whose sum overflows are refuted, with the bias where it adds to that`(bias: Float)
    throws
  {
    let verdict = try Self.builder(outer: 4, bias: bias).verify().layers[0]
    let example = try #require(verdict.counterexample)
    #expect(example.tile == nil)
    #expect(Self.sum(example) == example.sum)
    #expect(example.sum > 7 || example.sum < -8)
    if bias == 1 { #expect(example.sum == 16 && example.bias == 1) }
    if bias == -4 { #expect(example.sum == -19 && example.bias == -4) }
    #expect(verdict.layer.requiredBits == (bias == 0 ? 5 : 6))
  }

  private static func sum(_ example: ChannelCounterexample) -> Int128 {
    let products = zip(weights, example.input).map { Int128($0) * Int128($1) }
    let indices = example.prefix ?? Array(products.indices)
    return indices.reduce(Int128(example.bias ?? 0)) { $0 + products[$1] }
  }

  @Test func `a false statement of what tiles need is refuted`() throws {
    let result = try Self.builder(required: 4).verify()
    #expect(
      result.layers[0].findings == [
        .contradiction(field: .requiredBits, stated: "4", actual: "5")
      ])
  }

  @Test func `tiles longer than a channel are one tile`() throws {
    var builder = Self.builder()
    builder.metadata[0].value = builder.metadata[0].value.replacing(
      "\"tile_size\":2", with: "\"tile_size\":4611686018427387904")
    let tiles = try #require(try builder.verify().layers[0].tiles)
    #expect(tiles.channels[0].inner.maximum == 15)
  }
}
