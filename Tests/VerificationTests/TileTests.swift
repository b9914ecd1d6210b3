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

  /// Channels of two tiles of two products each on inputs from 1 to 3, as the annotation says.
  private static func clipped(_ channels: [[Float]], outer: Int) -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.node(
      "Clip",
      [
        builder.quant(
          builder.input("x", TensorType(.float32, shape: [2, 4])), bits: 2, signed: false),
        builder.constant([1], []), builder.constant([3], []),
      ])
    let w = builder.quant(
      builder.constant(channels.flatMap { $0 }, [channels.count, 4], name: "w"), bits: 5,
      signed: true)
    builder.output(
      builder.node("Gemm", [x, w], [Attribute("transB", .int(1))], name: "fc"))
    let entry = AccumulatorAnnotation(
      layer: "fc", output: "fc_out", weight: "w", targetBits: 16, requiredBits: 1,
      inputBits: 2, inputSigned: false, method: "exact", tiling: .init(size: 2, outerBits: outer))
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    return builder
  }

  @Test func `the first of the channels whose tiles reach farthest is the one shown`() throws {
    let channels: [[Float]] = [[1, 5, 0, 0], [0, 0, -9, -2], [9, 2, 0, 0], [-9, -2, 0, 0]]
    // Tiles reach 18, -33, 33 and -33; the least sum has room for one more.
    let verdict = try Self.clipped(channels, outer: 16).verify(5).layers[0]
    #expect(verdict.findings.first == .tileOverflow(channels: 4, targetBits: 5, requiredBits: 7))
    #expect(verdict.counterexample?.channel == 2)
    let outer = try Self.clipped(channels, outer: 5).verify(16).layers[0]
    #expect(outer.counterexample?.channel == 2)
  }

  @Test(
    arguments: [[[0, 0, 11, -4], [11, -4, 0, 0]], [[1, 1, 4, -11], [-11, 4, 1, 1]]] as [[[Float]]])
  func `the part of a tile that overflows is named by places in the channel`(
    _ channels: [[Float]]
  ) throws {
    for weights in channels {
      let verdict = try Self.clipped([weights], outer: 16).verify(6).layers[0]
      let example = try #require(verdict.counterexample)
      // Inputs are at least 1, so that only one of the tile's products reaches 33.
      let place = try #require(weights.firstIndex { $0.magnitude == 11 })
      #expect(example.prefix == [place])
      #expect(example.sum == Int128(weights[place] * 3))
      #expect(example.input[place] == 3)
    }
  }

  @Test(arguments: [
    ("SCALEDINT<6>", true), ("SCALEDINT<5>", false), ("SCALEDINT<7>", false),
  ])
  func `the FINN data type of a layer in tiles is that of the outer register`(
    _ type: String, _ holds: Bool
  ) throws {
    var builder = Self.builder()
    builder.graph[builder.graph.outputs[0]].annotations = [KeyValue("finn_datatype", type)]
    #expect(try builder.verify().isCertified == holds)
  }

  @Test(arguments: [Float(1), -1])
  func `the outer register's example adds the bias that drives it farthest`(_ sign: Float) throws {
    var builder = Self.builder(outer: 5, bias: 1)
    let layer = try #require(builder.graph.node(named: "fc"))
    // A matrix of biases, so that a channel meets all of them.
    let b = builder.quant(
      builder.constant([-4, 3, 6, -2].map { $0 * sign }, [4, 1], name: "m"), bits: 6, signed: true)
    builder.graph.setInput(layer, 2, to: b)
    let verdict = try builder.verify().layers[0]
    let example = try #require(verdict.counterexample)
    // Tiles reach 15 and -15.
    #expect(example.bias == (sign > 0 ? 6 : -6))
    #expect(example.sum == (sign > 0 ? 21 : -21))
    #expect(Self.sum(example) == example.sum)
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
