import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Models whose quantization is in integer tensors: QuantizeLinear and its relatives.
@Suite struct IntegerOperatorTests {
  static let numbers: [Float] = [
    5.5, 2.5, 1.6, 1.5, 0.5, -0.5, -1.5, -2.5, -5.5, 7.6, -8.4, 1000, -1000, 0.35,
  ]

  struct Case: Sendable {
    var scale: Float
    var zeroPoint: Int
    var signed: Bool
    var codes: [Int64]
  }

  /// Codes that onnxruntime 1.32 computes.
  static let cases = [
    Case(
      scale: 1, zeroPoint: 0, signed: true,
      codes: [6, 2, 2, 2, 0, 0, -2, -2, -6, 8, -8, 127, -128, 0]),
    Case(
      scale: 0.1, zeroPoint: 0, signed: true,
      codes: [55, 25, 16, 15, 5, -5, -15, -25, -55, 76, -84, 127, -128, 4]),
    Case(
      scale: 0.1, zeroPoint: 100, signed: false,
      codes: [155, 125, 116, 115, 105, 95, 85, 75, 45, 176, 16, 255, 0, 104]),
    Case(
      scale: 0.7, zeroPoint: -3, signed: true,
      codes: [5, 1, -1, -1, -2, -4, -5, -7, -11, 8, -15, 127, -128, -3]),
  ]

  static func zeroPoint(_ builder: inout GraphBuilder, _ value: Int, signed: Bool) -> ValueID {
    signed
      ? builder.constant(of: [Int8(value)], []) : builder.constant(of: [UInt8(value)], [])
  }

  /// `QuantizeLinear -> DequantizeLinear` on a value, with a `Clip` between where limits are given.
  static func quantized(
    _ builder: inout GraphBuilder, _ value: ValueID, scale: Float, zeroPoint: Int = 0,
    signed: Bool, clip: ClosedRange<Int8>? = nil
  ) -> ValueID {
    let step = builder.constant([scale], [])
    let zero = Self.zeroPoint(&builder, zeroPoint, signed: signed)
    var codes = builder.node("QuantizeLinear", [value, step, zero])
    if let clip {
      codes = builder.node(
        "Clip",
        [
          codes, builder.constant(of: [clip.lowerBound], []),
          builder.constant(of: [clip.upperBound], []),
        ])
    }
    return builder.node("DequantizeLinear", [codes, step, zero])
  }

  @Test(arguments: cases)
  func `QuantizeLinear gives the codes of onnxruntime`(_ example: Case) throws {
    var builder = GraphBuilder()
    let x = Self.quantized(&builder, builder.input(), scale: 1, signed: false)
    let weight = builder.constant(Self.numbers, [Self.numbers.count, 1])
    let quantized = Self.quantized(
      &builder, weight, scale: example.scale, zeroPoint: example.zeroPoint,
      signed: example.signed)
    builder.output(builder.node("MatMul", [x, quantized]))
    let layer = try builder.layer()
    let expected = example.codes.map { $0 - Int64(example.zeroPoint) }
    #expect(layer.integers == [expected])
    #expect(layer.channels[0].sums.positive == expected.reduce(0) { $0 + max($1, 0) })
    #expect(layer.channels[0].sums.negative == expected.reduce(0) { $0 - min($1, 0) })
  }

  @Test func `a Clip between quantizer and dequantizer narrows the data type`() throws {
    var builder = GraphBuilder()
    let x = Self.quantized(
      &builder, builder.input(), scale: 0.5, signed: true, clip: -8...7)
    let weight = builder.constant([9, -9, 3], [3, 1])
    let quantized = Self.quantized(&builder, weight, scale: 1, signed: true, clip: -7...7)
    builder.output(builder.node("MatMul", [x, quantized]))
    let layer = try builder.layer()
    #expect(layer.integers == [[7, -7, 3]])
    #expect(layer.weight?.bits == 4)
    #expect(layer.weight?.narrow == true)
    #expect(layer.input?.bits == 4)
    #expect(layer.input?.signed == true)
    #expect(layer.input?.integerMinimum == -8)
  }

  @Test func `stored integers are read per channel with their zero points`() throws {
    var builder = GraphBuilder()
    let x = Self.quantized(
      &builder, builder.input(), scale: 0.5, zeroPoint: 128, signed: false)
    let weight = builder.constant(of: [UInt8](arrayLiteral: 1, 2, 3, 4), [2, 2], name: "w")
    let scale = builder.constant([0.5, 0.25], [2])
    let zero = builder.constant(of: [UInt8](arrayLiteral: 2, 4), [2])
    let float = builder.node(
      "DequantizeLinear", [weight, scale, zero], [Attribute("axis", .int(0))])
    builder.output(builder.node("Gemm", [x, float], [Attribute("transB", .int(1))]))
    let layer = try builder.layer()
    #expect(layer.integers == [[-1, 0], [-1, 0]])
    #expect(layer.weight?.scales == [0.5, 0.25])
    #expect(layer.weight?.signed == false)
    #expect(layer.input?.zeroPoint == 128)
    #expect(layer.input?.integerMinimum == -128)
    #expect(layer.input?.integerMaximum == 127)
    #expect(layer.requiredBits == 9)
  }

  @Test func `four-bit weights are unpacked low half first`() throws {
    var builder = GraphBuilder()
    let x = Self.quantized(&builder, builder.input(), scale: 0.5, signed: false)
    let storage = TensorStorage(byteCount: 2) { $0.copyBytes(from: [0x81, 0x7F]) }
    let packed = try #require(Tensor(elementType: .int4, shape: [4, 1], storage: storage))
    let weight = builder.graph.addConstant(name: "w", packed)
    let float = builder.node("DequantizeLinear", [weight, builder.constant([1], [])])
    builder.output(builder.node("MatMul", [x, float]))
    let layer = try builder.layer()
    #expect(layer.integers == [[1, -8, -1, 7]])
    #expect(layer.channels[0].sums.positive == 8)
    #expect(layer.channels[0].sums.negative == 9)
    #expect(layer.weight?.bits == 4)
  }

  @Test func `ConvInteger subtracts both zero points`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, [1, 1, 4]))
    let w = builder.constant(of: [UInt8](arrayLiteral: 130, 120), [1, 1, 2], name: "w")
    let inputZero = builder.constant(of: [UInt8(3)], [])
    let weightZero = builder.constant(of: [UInt8(128)], [1])
    builder.output(builder.node("ConvInteger", [x, w, inputZero, weightZero]))
    let layer = try builder.layer()
    #expect(layer.integers == [[2, -8]])
    #expect(layer.input?.integerMinimum == -3)
    #expect(layer.input?.integerMaximum == 252)
    #expect(layer.channels[0].worstCase.maximum == 2 * 252 + 8 * 3)
    #expect(layer.channels[0].worstCase.minimum == -2 * 3 - 8 * 252)
    #expect(layer.weight?.scales == [])
  }

  @Test func `a zero point measured at run time bounds the input by the type's width`() throws {
    var builder = GraphBuilder()
    let codes = builder.graph.addValue(name: "codes")
    let scale = builder.graph.addValue(name: "scale")
    let zero = builder.graph.addValue(name: "zero")
    builder.graph.addNode(
      OpaqueOperator(domain: "", type: "DynamicQuantizeLinear", attributes: []), name: "q",
      inputs: [builder.input()], outputs: [codes, scale, zero])
    let w = builder.constant(of: [Int8](arrayLiteral: 1, -1), [2, 1])
    builder.output(builder.node("MatMulInteger", [codes, w, zero]))
    let layer = try builder.layer()
    #expect(layer.input?.integerMinimum == -255)
    #expect(layer.input?.integerMaximum == 255)
    #expect(layer.requiredBits == 10)
  }

  @Test func `QLinearConv and QLinearMatMul chain through their output's type`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, [1, 1, 4]))
    let one = builder.constant([1], [])
    let zero = builder.constant(of: [UInt8(0)], [])
    let signedZero = builder.constant(of: [Int8(5)], [])
    let w = builder.constant(of: [Int8](arrayLiteral: 3, -3), [1, 1, 2])
    let perChannel = builder.constant([0.5], [1])
    let first = builder.node(
      "QLinearConv", [x, one, zero, w, perChannel, signedZero, one, signedZero])
    let matrix = builder.constant(of: [Int8](arrayLiteral: 1, 2, 3, 4), [2, 2])
    let second = builder.node(
      "QLinearMatMul", [first, one, signedZero, matrix, one, signedZero, one, zero])
    builder.output(second)
    let layers = try builder.verify(32).layers.map(\.layer)
    #expect(layers[0].integers == [[-2, -8]])
    #expect(layers[0].weight?.scales == [0.5])
    #expect(layers[1].input?.integerMinimum == -133)
    #expect(layers[1].input?.integerMaximum == 122)
    #expect(layers[1].integers == [[-4, -2], [-3, -1]])
  }

  @Test func `two quantized activations are bounded by their types`() throws {
    var builder = GraphBuilder()
    let a = builder.quant(
      builder.input("a", TensorType(.float32, [8, 16])), bits: 4, signed: true)
    let b = builder.quant(builder.input("b"), bits: 4, signed: false)
    builder.graph[a].type = TensorType(.float32, [8, 16])
    builder.output(builder.node("MatMul", [a, b]))
    let result = try builder.verify(12)
    let layer = result.layers[0].layer
    #expect(layer.dotLength == 16)
    // 16 * -8 * 15 = -1920, within 12 bits and no fewer.
    #expect(layer.requiredBits == 12)
    #expect(layer.dataTypeBits == 13)
    #expect(layer.channels.isEmpty)
    #expect(result.isCertified)
    #expect(try !builder.verify(11).isCertified)
  }

  @Test func `two activations without a stated shape are refused`() throws {
    var builder = GraphBuilder()
    let a = builder.quant(builder.input("a"), bits: 4, signed: true)
    let b = builder.quant(builder.input("b"), bits: 4, signed: false)
    builder.output(builder.node("MatMul", [a, b]))
    #expect(try builder.layer().obstacle == .unknownDotLength(value: "Quant_out", open: nil))
  }

  @Test func `the operators of onnxruntime's quantizer are followed`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, [1, 2]))
    let one = builder.constant([1], [])
    let zero = builder.constant(of: [UInt8(128)], [])
    let signed = builder.constant(of: [Int8(0)], [])
    let sum = builder.node(
      "QLinearAdd", [x, one, zero, x, one, zero, one, signed], domain: "com.microsoft")
    let pooled = builder.node(
      "QLinearGlobalAveragePool", [sum, one, signed, one, zero], domain: "com.microsoft")
    let w = builder.constant(of: [Int8](arrayLiteral: 1, 2, -3, 4), [2, 2])
    let perChannel = builder.constant([0.5, 0.25], [2])
    let zeros = builder.constant(of: [Int8](arrayLiteral: 0, 1), [2])
    let y = builder.node(
      "QGemm", [pooled, one, zero, w, perChannel, zeros, nil, one, signed],
      [Attribute("transB", .int(1))], domain: "com.microsoft")
    builder.output(y)
    let layer = try builder.layer()
    #expect(layer.integers == [[1, 2], [-4, 3]])
    #expect(layer.weight?.scales == [0.5, 0.25])
    #expect(layer.input?.integerMinimum == -128)
    #expect(layer.input?.integerMaximum == 127)
  }
}
