import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Models that were certified once although their sums overflow when they are executed.
@Suite struct SoundnessTests {
  /// Refused at every width below `width`, and certified there; at no width at all for `nil`.
  static func expect(_ builder: GraphBuilder, fits width: Int?) throws {
    try expect(builder.model, fits: width)
  }

  static func expect(_ model: Model, fits width: Int?) throws {
    for bits in [1, 4, 7, 8, 9, 11, 13, 14, 16, 17, 18, (width ?? 65) - 1] where bits < width ?? 65
    {
      #expect(try !Verifier.verify(model, accumulatorBits: bits).isCertified, "\(bits) bits")
    }
    guard let width else { return }
    let result = try Verifier.verify(model, accumulatorBits: width)
    #expect(result.isCertified, "\(result.layers.map(\.findings)) \(result.findings)")
  }

  private static func ones(_ count: Int) -> [Int8] { [Int8](repeating: 1, count: count) }

  private static func codes(_ type: ElementType, _ shape: [Int]) -> TensorType {
    TensorType(type, shape: shape)
  }

  @Test func `a Relu behind a negative factor keeps the integers below zero`() throws {
    var builder = GraphBuilder()
    let x = IntegerOperatorTests.quantized(
      &builder, builder.input(), scale: 1, zeroPoint: 255, signed: false)
    let negated = builder.node("Mul", [x, builder.constant([-1], [])])
    let w = builder.node(
      "DequantizeLinear",
      [builder.constant(of: Self.ones(17), [17, 1]), builder.constant([1], [])])
    builder.output(builder.node("MatMul", [builder.node("Relu", [negated]), w]))
    try Self.expect(builder, fits: 14)
  }

  @Test(arguments: [true, false])
  func `a Clip that raises a constant's integers raises the sums`(_ hasUpper: Bool) throws {
    var builder = GraphBuilder()
    let x = IntegerOperatorTests.quantized(&builder, builder.input(), scale: 1, signed: false)
    let w = builder.constant(of: [Int8](repeating: 0, count: 16), [16, 1])
    let raised = builder.node(
      "Clip",
      [w, builder.constant(of: [Int8(100)], [])]
        + (hasUpper ? [builder.constant(of: [Int8(127)], [])] : []))
    let scaled = builder.node("DequantizeLinear", [raised, builder.constant([1], [])])
    builder.output(builder.node("MatMul", [x, scaled]))
    try Self.expect(builder, fits: 20)
  }

  @Test func `dimensions that the file states of run-time shapes bound no sum`() throws {
    var builder = GraphBuilder()
    let type = TensorType(.uint8, [.symbolic("K")])
    let sides = ["x", "z"].map { name in
      builder.node(
        "Reshape",
        [builder.input(name, type), builder.input("shape \(name)", Self.codes(.int64, [2]))],
        type: Self.codes(.uint8, [1, 1]), name: name)
    }
    builder.output(builder.node("MatMulInteger", sides))
    try Self.expect(builder, fits: nil)
  }

  @Test func `QGemm without an output scale gives real numbers`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", Self.codes(.uint8, [1, 4]))
    let (scale, zero) = (builder.constant([1], []), builder.constant(of: [UInt8(0)], []))
    let w = builder.constant(of: [Int8](repeating: 100, count: 4), [4, 1])
    let y = builder.node(
      "QGemm", [x, scale, zero, w, scale, builder.constant(of: [Int8(0)], [])],
      domain: "com.microsoft")
    let second = builder.node(
      "DequantizeLinear", [builder.constant(of: [Int8(100)], [1, 1]), scale])
    builder.output(builder.node("MatMul", [y, second]))
    try Self.expect(builder, fits: nil)
  }

  @Test
  func `codes that were clipped before a run-time zero point reach as far below zero as it does`()
    throws
  {
    for isDynamic in [true, false] {
      var builder = GraphBuilder()
      var (x, zero) = (builder.graph.addValue(name: "codes"), builder.graph.addValue(name: "zero"))
      if isDynamic {
        builder.graph.addNode(
          OpaqueOperator(domain: "", type: "DynamicQuantizeLinear", attributes: []), name: "q",
          inputs: [builder.input()], outputs: [x, builder.graph.addValue(name: "scale"), zero])
      } else {
        x = builder.input("x", Self.codes(.uint8, [1, 8]))
        zero = builder.input("z", Self.codes(.uint8, []))
      }
      let clipped = builder.node(
        "Clip", [x, builder.constant(of: [UInt8(0)], []), builder.constant(of: [UInt8(15)], [])])
      let w = builder.constant(of: Self.ones(8), [8, 1])
      builder.output(builder.node("MatMulInteger", [clipped, w, zero]))
      try Self.expect(builder, fits: 12)
    }
  }

  @Test func `a bias of QLinearConv that is computed at run time can be any integer of its type`()
    throws
  {
    var builder = GraphBuilder()
    let x = builder.input("x", Self.codes(.uint8, [1, 1, 1, 1]))
    let (scale, zero) = (builder.constant([1], []), builder.constant(of: [UInt8(0)], []))
    let w = builder.constant(of: Self.ones(1), [1, 1, 1, 1])
    let b = builder.input("b", Self.codes(.int32, [1]))
    builder.output(
      builder.node(
        "QLinearConv",
        [x, scale, zero, w, scale, builder.constant(of: [Int8(0)], []), scale, zero, b]))
    try Self.expect(builder, fits: 33)
  }

  @Test func `a matrix as the bias of QGemm counts with each of its rows`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", Self.codes(.uint8, [2, 4]))
    let (scale, zero) = (builder.constant([1], []), builder.constant(of: [UInt8(0)], []))
    let w = builder.constant(of: Self.ones(8), [4, 2])
    let c = builder.constant(of: [Int32(1 << 29), 0, 0, 0], [2, 2])
    builder.output(
      builder.node(
        "QGemm", [x, scale, zero, w, scale, builder.constant(of: [Int8(0)], []), c, scale, zero],
        domain: "com.microsoft"))
    try Self.expect(builder, fits: 31)
  }

  @Test(arguments: [([2, 3, 2], [2]), ([3, 2], [2, 1])])
  func `a bias added to a batch of products, or to a row of them, counts`(
    _ weight: [Int], _ bias: [Int]
  ) throws {
    var builder = GraphBuilder()
    let shape = weight.count == 3 ? [2, 1, 3] : [2, 3]
    let x = builder.quant(builder.input("x", Self.codes(.float32, shape)), bits: 4, signed: false)
    let count = weight.reduce(1, *)
    let w = builder.quant(
      builder.constant([Float](repeating: 1, count: count), weight), bits: 8, signed: true)
    let b = builder.quant(builder.constant([30000, 0], bias), bits: 16, signed: true)
    builder.output(builder.node("Add", [builder.node("MatMul", [x, w]), b]))
    try Self.expect(builder, fits: 16)
  }

  @Test func `a bias on a negative scale counts with its sign`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), scale: -1, bits: 4, signed: true)
    let w = builder.quant(builder.constant([1, 1, 1], [3, 1]), bits: 8, signed: true)
    let b = builder.quant(builder.constant([30000], [1]), bits: 16, signed: true)
    builder.output(builder.node("Gemm", [x, w, b]))
    try Self.expect(builder, fits: 16)
    // 30000 steps of -1 below zero: 2758 more fit above than would below.
    #expect(try builder.layer().channels[0].worstCase.minimum == -30000 - 24)
  }

  @Test func `a bias that is cast to int32 on its way counts`() throws {
    var builder = GraphBuilder()
    let x = IntegerOperatorTests.quantized(
      &builder, builder.input("x", Self.codes(.float32, [1, 1, 1, 1])), scale: 1, signed: false)
    let scale = builder.constant([1], [])
    let w = builder.node(
      "DequantizeLinear", [builder.constant(of: Self.ones(1), [1, 1, 1, 1]), scale])
    let cast = builder.node(
      "Cast", [builder.constant(of: [Int64(1 << 20)], [1])], [Attribute("to", .int(6))])
    builder.output(builder.node("Conv", [x, w, builder.node("DequantizeLinear", [cast, scale])]))
    try Self.expect(builder, fits: 22)
  }

  @Test func `integers that are subtracted from an integer sum count`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", Self.codes(.uint8, [2, 3]))
    let y = builder.node("MatMulInteger", [x, builder.constant(of: Self.ones(6), [3, 2])])
    builder.output(builder.node("Sub", [y, builder.constant(of: [Int32(1 << 29), 0], [2])]))
    try Self.expect(builder, fits: 30)
  }

  @Test func `a tile whose taps lie in padding finishes with any of its products`() throws {
    func builder(outer: Int) -> GraphBuilder {
      var builder = GraphBuilder()
      let x = builder.quant(
        builder.input("x", Self.codes(.float32, [1, 1, 2, 1])), bits: 4, signed: false)
      let clipped = builder.node(
        "Clip", [x, builder.constant([5], []), builder.constant([15], [])])
      let w = builder.quant(
        builder.constant([-10, 10, -10, 10], [1, 1, 2, 2], name: "w"), bits: 8, signed: true)
      builder.output(
        builder.node(
          "Conv", [clipped, w], [Attribute("pads", .ints([0, 1, 0, 0]))], name: "layer"))
      let entry = AccumulatorAnnotation(
        layer: "layer", output: "layer_out", weight: "w", targetBits: 16, requiredBits: 9,
        inputBits: 4, inputSigned: false, method: "exact",
        tiling: .init(size: 2, outerBits: outer))
      builder.metadata = [
        KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
      ]
      return builder
    }
    #expect(try !builder(outer: 8).verify().isCertified)
    #expect(try !builder(outer: 9).verify().isCertified)
    #expect(try builder(outer: 10).verify().isCertified)
  }

  @Test func `a constant image of a transposed convolution meets a run-time kernel`() throws {
    var builder = GraphBuilder()
    let image = builder.quant(
      builder.constant([Float](repeating: 7, count: 64), [1, 64, 1, 1]), bits: 4, signed: true)
    let kernel = builder.quant(
      builder.input("x", Self.codes(.float32, [64, 1, 1, 1])), bits: 4, signed: false)
    builder.output(builder.node("ConvTranspose", [image, kernel]))
    try Self.expect(builder, fits: 14)
  }

  @Test func `what Im2Col puts at the borders is one of the inputs`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(
      builder.input("x", Self.codes(.float32, [1, 1, 1, 1])), bits: 4, signed: true)
    let columns = builder.node(
      "Im2Col", [x],
      [
        Attribute("stride", .ints([1, 1])), Attribute("kernel_size", .ints([3, 3])),
        Attribute("pad_amount", .ints([1, 1, 1, 1])), Attribute("pad_value", .int(1000)),
        Attribute("input_shape", .string("(1,1,1,1)")), Attribute("depthwise", .int(0)),
        Attribute("dilations", .ints([1, 1])),
      ], domain: "qonnx.custom_op.general")
    let w = builder.quant(
      builder.constant([Float](repeating: 1, count: 9), [9, 1]), bits: 8, signed: true)
    builder.output(builder.node("MatMul", [columns, w]))
    // 9 * 1000, although one tap always lies inside.
    try Self.expect(builder, fits: 15)
  }

  @Test func `a pooling window inside the padding gives the least integer of the type`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", Self.codes(.int8, [1, 1, 2]))
    let clipped = builder.node(
      "Clip", [x, builder.constant(of: [Int8(-5)], []), builder.constant(of: [Int8(5)], [])])
    let pooled = builder.node(
      "MaxPool", [clipped],
      [
        Attribute("kernel_shape", .ints([2])), Attribute("strides", .ints([1])),
        Attribute("dilations", .ints([3])), Attribute("pads", .ints([1, 1])),
      ])
    builder.output(
      builder.node("ConvInteger", [pooled, builder.constant(of: Self.ones(1), [1, 1, 1])]))
    try Self.expect(builder, fits: 8)
  }

  @Test func `a constant quantized in another precision has no integers here`() throws {
    let half = TensorStorage(byteCount: 2) { $0.copyBytes(from: [0x66, 0x2E]) }
    for form in ["precision", "float16", "float64"] {
      var builder = GraphBuilder()
      let x = builder.input("x", Self.codes(.uint8, [1, 1]))
      let w = builder.constant([0.14999796], [1, 1])
      var scale = builder.constant([0.1], [])
      if form == "float16", let tensor = Tensor(elementType: .float16, shape: [], storage: half) {
        scale = builder.graph.addConstant(name: "s", tensor)
      }
      if form == "float64" { scale = builder.constant(of: [0.1], []) }
      let codes = builder.node(
        "QuantizeLinear", [w, scale, builder.constant(of: [Int8(0)], [])],
        form == "precision" ? [Attribute("precision", .int(10))] : [])
      builder.output(builder.node("MatMulInteger", [x, codes]))
      // The type bounds the codes all the same: 255 * -128.
      try Self.expect(builder, fits: 16)
    }
  }

  @Test(arguments: [0, 1])
  func `Quant of a constant by a double-precision scale or zero point has no integers here`(
    _ position: Int
  ) throws {
    for type in ["Quant", "BipolarQuant"] where position == 0 || type == "Quant" {
      var builder = GraphBuilder()
      let x = builder.quant(builder.input(), bits: 4, signed: false)
      var parameters = [
        builder.constant([0.1], []), builder.constant([1], []), builder.constant([8], []),
      ]
      parameters[position] = builder.constant(of: [position == 0 ? 0.1 : 1.0], [])
      let w = builder.node(
        type,
        [builder.constant([0.45, 0.45], [2, 1])]
          + (type == "Quant" ? parameters : Array(parameters.prefix(1))),
        type == "Quant" ? [Attribute("signed", .int(1)), Attribute("narrow", .int(0))] : [],
        domain: "qonnx.custom_op.general")
      builder.output(builder.node("MatMul", [x, w]))
      try Self.expect(builder, fits: nil)
    }
  }

  @Test func `a Constant with an attribute beside its value is not known`() throws {
    for other in ["zzz", "value_int"] {
      var builder = GraphBuilder()
      let x = builder.input("x", Self.codes(.uint8, [1, 4]))
      let small = Tensor(Self.ones(4), shape: [4, 1])
      let w = builder.node(
        "Constant", [], [Attribute(other, .tensor(small)), Attribute("value", .tensor(small))])
      builder.output(builder.node("MatMulInteger", [x, w]))
      try Self.expect(builder, fits: nil)
    }
  }

  @Test func `a weight of many 16-bit integers under a narrow clip is summed without a trap`()
    throws
  {
    var builder = GraphBuilder()
    let count = 1 << 17
    let w = builder.constant(of: [UInt16](repeating: 65535, count: count), [count, 1])
    let narrow = builder.node(
      "Clip", [w, builder.constant(of: [UInt16(0)], []), builder.constant(of: [UInt16(1)], [])])
    let scaled = builder.node(
      "DequantizeLinear",
      [narrow, builder.constant([1], []), builder.constant(of: [UInt16(0)], [])])
    let x = IntegerOperatorTests.quantized(&builder, builder.input(), scale: 1, signed: false)
    builder.output(builder.node("MatMul", [x, scaled]))
    try Self.expect(builder, fits: 26)
  }

  @Test func `a zero point beyond single precision is refused without a trap`() throws {
    var builder = GraphBuilder()
    let sides = ["x", "z"].map { name in
      builder.node(
        "Quant",
        [
          builder.input(name, Self.codes(.float32, name == "x" ? [1, 4] : [4, 1])),
          builder.constant([1], []), builder.constant(of: [Int64(1) << 32], []),
          builder.constant([4], []),
        ], [Attribute("signed", .int(1)), Attribute("narrow", .int(0))],
        domain: "qonnx.custom_op.general", name: name)
    }
    builder.output(builder.node("MatMul", sides))
    try Self.expect(builder, fits: nil)
  }
}
