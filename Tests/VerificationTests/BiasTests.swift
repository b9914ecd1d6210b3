import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Biases that are integers on the accumulator's scale, held against enumerations of every partial sum.
@Suite struct BiasTests {
  /// How a bias stands in a file.
  enum Form: CaseIterable {
    case gemm, conv, matMul, matMulInteger, convInteger
  }

  static let weights = [3, -2, 1]

  /// One layer of unsigned two-bit inputs with one channel, and its bias in steps of the accumulator.
  static func builder(_ form: Form, bias: Int, biasScale: Float = 0.125) -> GraphBuilder {
    var builder = GraphBuilder()
    let numbers = weights.map { Float($0) * 0.25 }
    switch form {
    case .gemm, .conv, .matMul:
      let x = builder.quant(builder.input(), scale: 0.5, bits: 2, signed: false)
      let shape: [Int] = form == .gemm ? [1, 3] : form == .conv ? [1, 3, 1, 1] : [3, 1]
      let w = builder.quant(
        builder.constant(numbers, shape), scale: 0.25, bits: 3, signed: true)
      let b = builder.quant(
        builder.constant([Float(bias) * biasScale], [1], name: "b"), scale: biasScale, bits: 6,
        signed: true)
      switch form {
      case .gemm:
        builder.output(
          builder.node("Gemm", [x, w, b], [Attribute("transB", .int(1))], name: "layer"))
      case .conv: builder.output(builder.node("Conv", [x, w, b], name: "layer"))
      default:
        let y = builder.node("MatMul", [x, w], name: "layer")
        builder.output(builder.node("Add", [y, b]))
      }
    case .matMulInteger, .convInteger:
      let isConv = form == .convInteger
      let step = builder.constant([0.5], [])
      let zero = builder.constant(of: [UInt8(0)], [])
      let codes = builder.node("QuantizeLinear", [builder.input(), step, zero])
      let x = builder.node(
        "Clip", [codes, zero, builder.constant(of: [UInt8(3)], [])])
      let w = builder.constant(of: weights.map { Int8($0) }, isConv ? [1, 3, 1, 1] : [3, 1])
      let y = builder.node(isConv ? "ConvInteger" : "MatMulInteger", [x, w], name: "layer")
      let b = builder.constant(of: [Int32(bias)], isConv ? [1, 1, 1] : [1])
      let sum = builder.node("Add", [b, y])
      builder.output(builder.node("Cast", [sum], [Attribute("to", .int(1))]))
    }
    return builder
  }

  @Test(arguments: Form.allCases, [0, 5, -7, 1, -1])
  func `a bias on the accumulator's scale is one more summand`(form: Form, bias: Int) throws {
    let layer = try Self.builder(form, bias: bias).layer()
    #expect(layer.bias?.values == [Int64(bias)])
    // Any order, and the bias at any time: sums over all subsets of products and bias.
    let (low, high) = BruteForceTests.extremes(Self.weights + [bias], 0...3) { index, x in
      index < 3 ? x : min(x, 1)
    }
    #expect(layer.channels[0].worstCase.minimum == Int128(low))
    #expect(layer.channels[0].worstCase.maximum == Int128(high))
    let required = try #require(layer.requiredBits)
    #expect(try Self.builder(form, bias: bias).verify(required).isCertified)
    let refuted = try Self.builder(form, bias: bias).verify(required - 1)
    let example = try #require(refuted.layers[0].counterexample)
    let products = zip(Self.weights, example.input).map { Int128($0) * Int128($1) }
    let sum = (example.prefix.map { $0.map { products[$0] } } ?? products).reduce(0, +)
    #expect(example.sum == sum + Int128(try #require(example.bias)))
    #expect(example.bias == Int64(bias) || example.bias == 0 && example.prefix != nil)
    #expect(example.sum < -(1 << (required - 2)) || example.sum > (1 << (required - 2)) - 1)
  }

  @Test(arguments: [Form.gemm, .conv, .matMul])
  func `a bias on another scale is outside`(form: Form) throws {
    let layer = try Self.builder(form, bias: 31, biasScale: 0.1251).layer()
    #expect(layer.bias == nil)
    #expect(layer.channels[0].worstCase.maximum == 12)
  }

  @Test func `a float bias is outside`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 2, signed: false)
    let w = builder.quant(builder.constant([1, 1], [1, 2]), bits: 3, signed: true)
    let b = builder.constant([100], [1])
    builder.output(builder.node("Gemm", [x, w, b], [Attribute("transB", .int(1))]))
    #expect(try builder.layer().bias == nil)
  }

  @Test
  func `a bias that drives the accumulator over is refuted where it alone makes the difference`()
    throws
  {
    // Products reach 12; 12 + 4 leaves the range of 5 bits.
    #expect(try Self.builder(.gemm, bias: 3).verify(5).isCertified)
    let verdict = try Self.builder(.gemm, bias: 4).verify(5).layers[0]
    #expect(verdict.findings == [.overflow(channels: 1, targetBits: 5, requiredBits: 6)])
    #expect(verdict.counterexample?.sum == 16)
    #expect(verdict.counterexample?.bias == 4)
  }

  @Test(arguments: [
    (7, 6, true), (7, 4, true), (7, 3, false), (-8, 4, true), (-8, 3, false), (-9, 4, false),
  ])
  func `a stated width of the bias is held against its integers`(
    bias: Int, bits: Int, holds: Bool
  ) throws {
    var builder = Self.builder(.gemm, bias: bias)
    let entry = AccumulatorAnnotation(
      layer: "layer", output: "layer_out", weight: "w", targetBits: 8,
      requiredBits: try #require(try builder.layer().requiredBits),
      inputBits: 2, inputSigned: false, method: "exact", biasBits: bits)
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    let result = try builder.verify()
    #expect(result.isCertified == holds)
    #expect(result.isRefuted == !holds)
  }

  @Test func `a stated bias that the file doesn't hold is refuted`() throws {
    var entry = AnnotationTests.entry()
    entry.biasBits = 8
    let result = try AnnotationTests.annotated(entry).verify()
    #expect(result.isRefuted)
    #expect("\(result.layers[0].findings[0])".contains("bias_bits 8"))
  }

  /// One step of the bias is one, two or half a step of the result.
  @Test(arguments: [Float(1): [Int64(100)], 0.5: [200], 2: nil] as [Float: [Int64]?])
  func `what is added to the float result of QGemm counts in its steps`(
    _ alpha: Float, _ values: [Int64]?
  ) throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, [1, 2]))
    let steps = [0.5, 0.25].map { builder.constant([$0], []) }
    let zeros = (builder.constant(of: [UInt8(0)], []), builder.constant(of: [Int8(0)], []))
    let w = builder.constant(of: [Int8(1), -1], [2, 1])
    let y = builder.node(
      "QGemm", [x, steps[0], zeros.0, w, steps[1], zeros.1], [Attribute("alpha", .float(alpha))],
      domain: "com.microsoft", name: "layer")
    let b = builder.node(
      "DequantizeLinear", [builder.constant(of: [Int32(100)], [1]), builder.constant([0.125], [])])
    builder.output(builder.node("Add", [y, b]))
    #expect(try builder.layer().bias?.values == values)
  }

  @Test func `what is added to codes to which QGemm rounded its sum is outside`() throws {
    for hasScale in [true, false] {
      var builder = GraphBuilder()
      let x = builder.input("x", TensorType(.uint8, [1, 2]))
      let (scale, zero) = (builder.constant([1], []), builder.constant(of: [Int8(0)], []))
      let w = builder.constant(of: [Int8(1), -1], [2, 1])
      let y = builder.node(
        "QGemm",
        [x, scale, builder.constant(of: [UInt8(0)], []), w, scale, zero]
          + (hasScale ? [nil, scale, zero] : []), domain: "com.microsoft", name: "layer")
      let b =
        hasScale
        ? builder.constant(of: [Int8(100)], [1])
        : builder.quant(builder.constant([100], [1]), bits: 8, signed: true)
      builder.output(builder.node("Add", [y, b]))
      #expect(try builder.layer().bias?.values == (hasScale ? nil : [100]))
    }
  }
}
