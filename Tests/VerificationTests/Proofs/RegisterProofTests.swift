import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// The registers of tiles, and those of products of two run-time operands, held against enumerations.
@Suite struct RegisterProofTests {
  // MARK: Tiles

  struct Window: Sendable, CustomTestStringConvertible {
    var type = "Conv"
    var attributes: [Attribute] = []
    /// Whether some output elements lack products.
    var misses: Bool

    var testDescription: String { "\(type) \(attributes.map { "\($0.name) \($0.value)" })" }
  }

  static let windows = [
    Window(misses: false), Window(type: "Gemm", misses: false),
    Window(type: "MatMul", misses: false),
    Window(attributes: [Attribute("pads", .ints([0, 0, 0, 0]))], misses: false),
    Window(attributes: [Attribute("pads", .ints([0, 0, 0, 1]))], misses: true),
    Window(attributes: [Attribute("pads", .ints([1, 0, 0, 0]))], misses: true),
    Window(attributes: [Attribute("auto_pad", .string("SAME_UPPER"))], misses: true),
    Window(attributes: [Attribute("auto_pad", .string("VALID"))], misses: false),
    Window(
      attributes: [Attribute("dilations", .ints([2, 2])), Attribute("strides", .ints([2, 2]))],
      misses: false),
    Window(type: "ConvTranspose", misses: true),
    Window(type: "ConvTranspose", attributes: [Attribute("strides", .ints([2, 2]))], misses: true),
  ]

  static let rows = [[3, -2, 1, 2], [-4, -4, -3, 1], [2, 1, -1, -1], [-1, 2, 0, -3]]

  /// One channel in tiles of two on inputs in a range, with a bias in steps of the accumulator.
  static func tiled(
    _ window: Window, _ weights: [Int], _ range: ClosedRange<Int>, bias: Int, outerBits: Int
  ) -> GraphBuilder {
    var builder = GraphBuilder()
    let isMatrix = ["Gemm", "MatMul"].contains(window.type)
    let quantized = builder.quant(
      builder.input("x", TensorType(.float32, shape: isMatrix ? [1, 4] : [1, 1, 6, 6])), bits: 4,
      signed: true)
    let x = builder.node(
      "Clip",
      [
        quantized, builder.constant([Float(range.lowerBound)], []),
        builder.constant([Float(range.upperBound)], []),
      ])
    let shape =
      isMatrix ? (window.type == "Gemm" ? [1, 4] : [4, 1]) : [1, 1, 2, 2]
    let w = builder.quant(
      builder.constant(weights.map { Float($0) }, shape, name: "w"), bits: 4, signed: true)
    let b = builder.quant(builder.constant([Float(bias)], [1]), bits: 6, signed: true)
    if window.type == "MatMul" {
      let y = builder.node("MatMul", [x, w], name: "layer")
      builder.output(builder.node("Add", [y, b]))
    } else {
      builder.output(
        builder.node(
          window.type, [x, w, b],
          window.type == "Gemm" ? [Attribute("transB", .int(1))] : window.attributes,
          name: "layer"))
    }
    let entry = AccumulatorAnnotation(
      layer: "layer", output: "layer_out", weight: "w", targetBits: 32, requiredBits: 1,
      inputBits: 4, inputSigned: true, method: "exact",
      tiling: .init(size: 2, outerBits: outerBits))
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    return builder
  }

  /// What the outer register can hold: any finished tiles, each with any of its products missing where they may be.
  static func outer(_ weights: [Int], _ range: ClosedRange<Int>, bias: Int, misses: Bool)
    -> ClosedRange<Int>
  {
    var sums: Set = [0, bias]
    for tile in [weights[..<2], weights[2...]] {
      var finished: Set = [0]
      for weight in tile {
        let products = range.map { weight * $0 } + (misses ? [0] : [])
        finished = Set(finished.flatMap { sum in products.map { sum + $0 } })
      }
      sums.formUnion(sums.flatMap { sum in finished.map { sum + $0 } })
    }
    return (sums.min() ?? 0)...(sums.max() ?? 0)
  }

  @Test(arguments: windows)
  func `the outer register holds any sum of finished tiles, and one bit less does not`(
    _ window: Window
  ) throws {
    for weights in Self.rows {
      for range in [0...2, 1...3, -3 ... -1, -1...2, 2...2] {
        for bias in [0, 5, -7] {
          let expected = Self.outer(weights, range, bias: bias, misses: window.misses)
          let tiles = try #require(
            try Self.tiled(window, weights, range, bias: bias, outerBits: 12).verify().layers[0]
              .tiles)
          let outer = tiles.channels[0].outer
          #expect(
            outer.minimum == Int128(expected.lowerBound)
              && outer.maximum == Int128(expected.upperBound),
            "\(weights) \(range) \(bias): \(outer) for \(expected)")
          let bits = tiles.outerRequiredBits
          guard bits > 1 else { continue }
          let verdict = try Self.tiled(window, weights, range, bias: bias, outerBits: bits - 1)
            .verify().layers[0]
          #expect(
            verdict.findings.contains(
              .outerOverflow(channels: 1, outerBits: bits - 1, requiredBits: bits)))
          let example = try #require(verdict.counterexample)
          #expect(example.sum > (1 << (bits - 2)) - 1 || example.sum < -(1 << (bits - 2)))
          let products = zip(weights, example.input).map { Int128($0) * Int128($1) }
          let indices = example.prefix ?? Array(products.indices)
          #expect(indices.reduce(Int128(example.bias ?? 0)) { $0 + products[$1] } == example.sum)
        }
      }
    }
  }

  @Test func `the outer register isn't widened by the width that the caller asks for`() throws {
    let window = Self.windows[0]
    let builder = Self.tiled(window, [7, 7, 7, 7], 1...3, bias: 0, outerBits: 7)
    #expect(
      try builder.verify(64).layers[0].findings.contains(
        .outerOverflow(channels: 1, outerBits: 7, requiredBits: 8)))
  }

  // MARK: Products of two run-time operands

  struct Product: Sendable, CustomTestStringConvertible {
    var type: String
    var left: [Int?]
    var right: [Int?]
    var attributes: [Attribute] = []
    var length: Int?

    var testDescription: String { "\(type) \(left) \(right)" }
  }

  static let products = [
    Product(type: "MatMul", left: [2, 3], right: [3, 5], length: 3),
    Product(type: "MatMul", left: [2, nil], right: [3, 5], length: 3),
    Product(type: "MatMul", left: [2, 3], right: [nil, nil], length: 3),
    Product(type: "MatMul", left: [nil, nil], right: [7, 3, 5], length: 3),
    Product(type: "MatMul", left: [nil], right: [3], length: 3),
    Product(type: "MatMul", left: [7, nil, nil], right: [7, nil, 3], length: nil),
    Product(type: "Gemm", left: [2, 3], right: [nil, 5], length: 3),
    Product(
      type: "Gemm", left: [3, 2], right: [nil, 5], attributes: [Attribute("transA", .int(1))],
      length: 3),
    Product(
      type: "Gemm", left: [nil, nil], right: [5, 3], attributes: [Attribute("transB", .int(1))],
      length: 3),
    Product(type: "Gemm", left: [nil, nil], right: [3, 5], length: 3),
    Product(type: "Conv", left: [nil, nil, nil, nil], right: [7, 1, 3, 1], length: 3),
    Product(
      type: "Conv", left: [1, 6, 5, 5], right: [7, 3, 1, 1],
      attributes: [Attribute("group", .int(2))], length: 3),
    Product(type: "Conv", left: [1, 6, 5, 5], right: [7, 3, nil, 1], length: nil),
    Product(
      type: "ConvTranspose", left: [1, 6, 5, 5], right: [6, 7, 1, 1],
      attributes: [Attribute("group", .int(2))], length: 3),
    Product(type: "ConvTranspose", left: [1, 3, 5, 5], right: [3, 7, 1, 1], length: 3),
    Product(type: "ConvTranspose", left: [1, 3, 5, 5], right: [nil, 7, 1, 1], length: nil),
  ]

  private static func operand(
    _ builder: inout GraphBuilder, _ name: String, _ shape: [Int?], _ range: ClosedRange<Int>
  ) -> ValueID {
    let type = TensorType(.float32, shape.map { $0.map { .fixed($0) } ?? .unknown })
    let quantized = builder.quant(builder.input(name, type), bits: 4, signed: true)
    return builder.node(
      "Clip",
      [
        quantized, builder.constant([Float(range.lowerBound)], []),
        builder.constant([Float(range.upperBound)], []),
      ], name: "clip \(name)")
  }

  @Test(arguments: products)
  func `a product of two activations needs what K of the worst products reach`(_ product: Product)
    throws
  {
    for (a, b) in [(-3...2, -1...4), (0...2, 0...3), (1...2, -4 ... -2), (-4 ... -1, -3 ... -2)] {
      var builder = GraphBuilder()
      let left = Self.operand(&builder, "a", product.left, a)
      let right = Self.operand(&builder, "b", product.right, b)
      builder.output(builder.node(product.type, [left, right], product.attributes))
      let layer = try builder.layer()
      guard let length = product.length else {
        guard case .unknownDotLength? = layer.obstacle else {
          Issue.record("a length of \(layer.dotLength ?? -1)")
          return
        }
        continue
      }
      #expect(layer.dotLength == length)
      let all = a.flatMap { x in b.map { x * $0 } } + [0]
      let (low, high) = ((all.min() ?? 0) * length, (all.max() ?? 0) * length)
      let required = (1...32).first { -(1 << ($0 - 1)) <= low && high <= (1 << ($0 - 1)) - 1 }
      #expect(layer.requiredBits == required)
      #expect(try builder.verify(required).isCertified)
      #expect(try required.map { try !builder.verify($0 - 1).isCertified || $0 == 1 } ?? false)
    }
  }

  @Test(arguments: ["Conv", "ConvTranspose"])
  func `a constant image under a run-time kernel is bounded by its own integers`(_ type: String)
    throws
  {
    for numbers in [
      [3, -2, 0, 1, 1, 2], [1, -7, 3, 0, 0, 0], [1, 3, 7, 0, 0, 2], [-5, -6, -7, -5, -5, -5],
    ] {
      var builder = GraphBuilder()
      let image = builder.quant(
        builder.constant(numbers.map { Float($0) }, [1, 6, 1, 1], name: "image"), bits: 4,
        signed: true)
      let kernel = Self.operand(
        &builder, "k", type == "Conv" ? [2, 6, 1, 1] : [6, 2, 1, 1], -1...4)
      builder.output(builder.node(type, [image, kernel]))
      let layer = try builder.layer()
      #expect(layer.dotLength == 6)
      let products = numbers.flatMap { [-$0, 4 * $0] } + [0]
      let (low, high) = (6 * (products.min() ?? 0), 6 * (products.max() ?? 0))
      let required = (1...32).first { -(1 << ($0 - 1)) <= low && high <= (1 << ($0 - 1)) - 1 }
      #expect(layer.requiredBits == required, "\(numbers)")
    }
  }

  @Test func `products whose sum exceeds 128 bits are refused without a trap`() throws {
    // The square of -3 * 2^31 times (2^66 - 1) / 9 is 2^128 - 2^62, which wraps to a number of 63 bits.
    for length in [Int.max, 8_198_552_921_648_689_607] {
      var builder = GraphBuilder()
      let least = builder.constant(of: [Int32.min], [])
      let sides = [[1, length], [length, 1]].map { shape in
        builder.node(
          "Clip", [builder.input("x", TensorType(.int32, shape.map { .fixed($0) })), least, least])
      }
      let zero = builder.constant(of: [Int64(1) << 32], [])
      builder.output(builder.node("MatMulInteger", sides + [zero, zero]))
      guard case .unknownDotLength? = try builder.layer().obstacle else {
        Issue.record("expected an unknown length")
        continue
      }
    }
  }

  @Test func `a bias that counts in a product of two activations is one more summand`() throws {
    for (bias, bits) in [(0, 5), (7, 5), (8, 6), (-4, 5), (-5, 6), (100, 8)] {
      var builder = GraphBuilder()
      let left = Self.operand(&builder, "a", [2, 2], -3...2)
      let right = Self.operand(&builder, "b", [2, 2], -1...2)
      let b = builder.quant(builder.constant([Float(bias)], [1]), bits: 8, signed: true)
      builder.output(builder.node("Gemm", [left, right, b]))
      // 2 * 2 * 2 = 8 and 2 * 3 = 6 above, 2 * -3 * 2 = -12 below.
      #expect(try builder.layer().requiredBits == bits, "\(bias)")
    }
  }
}
