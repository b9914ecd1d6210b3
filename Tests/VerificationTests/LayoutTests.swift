import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Which integers of a weight belong to one channel, for every operator and orientation.
@Suite struct LayoutTests {
  /// Weights 1, 2, 3 ... so that each integer tells its place.
  static func weight(_ builder: inout GraphBuilder, _ shape: [Int]) -> ValueID {
    let count = shape.reduce(1, *)
    let constant = builder.constant((1...count).map { Float($0) }, shape, name: "w")
    return builder.quant(constant, bits: 8, signed: true)
  }

  static func integers(
    _ type: String, _ shape: [Int], _ attributes: [Attribute] = [], weightFirst: Bool = false
  ) throws -> [[Int64]] {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = weight(&builder, shape)
    builder.output(builder.node(type, weightFirst ? [w, x] : [x, w], attributes))
    let layer = try builder.layer()
    #expect(layer.obstacle == nil)
    #expect(layer.channels.map { Int64($0.l1Norm) } == layer.integers.map { $0.reduce(0, +) })
    return layer.integers
  }

  @Test func `a convolution sums over its input channels and kernel`() throws {
    #expect(
      try Self.integers("Conv", [2, 2, 1, 2]) == [[1, 2, 3, 4], [5, 6, 7, 8]])
  }

  @Test func `a grouped convolution's weight already holds one group's inputs`() throws {
    #expect(
      try Self.integers("Conv", [4, 1, 2], [Attribute("group", .int(4))])
        == [[1, 2], [3, 4], [5, 6], [7, 8]])
  }

  @Test func `a transposed convolution's channels are its second dimension`() throws {
    // (I = 2, O = 2, k = 2)
    #expect(
      try Self.integers("ConvTranspose", [2, 2, 2]) == [[1, 2, 5, 6], [3, 4, 7, 8]])
  }

  @Test func `a grouped transposed convolution's channels go group by group`() throws {
    // (I = 4 in 2 groups, O / groups = 2, k = 1)
    #expect(
      try Self.integers("ConvTranspose", [4, 2, 1], [Attribute("group", .int(2))])
        == [[1, 3], [2, 4], [5, 7], [6, 8]])
  }

  @Test func `Gemm reads rows or columns as its transpositions say`() throws {
    #expect(try Self.integers("Gemm", [2, 3]) == [[1, 4], [2, 5], [3, 6]])
    #expect(
      try Self.integers("Gemm", [2, 3], [Attribute("transB", .int(1))])
        == [[1, 2, 3], [4, 5, 6]])
    #expect(
      try Self.integers("Gemm", [2, 3], weightFirst: true) == [[1, 2, 3], [4, 5, 6]])
    #expect(
      try Self.integers("Gemm", [2, 3], [Attribute("transA", .int(1))], weightFirst: true)
        == [[1, 4], [2, 5], [3, 6]])
  }

  @Test func `MatMul takes a constant on either side, batched or a vector`() throws {
    #expect(try Self.integers("MatMul", [2, 3]) == [[1, 4], [2, 5], [3, 6]])
    #expect(try Self.integers("MatMul", [2, 3], weightFirst: true) == [[1, 2, 3], [4, 5, 6]])
    #expect(try Self.integers("MatMul", [3]) == [[1, 2, 3]])
    #expect(try Self.integers("MatMul", [3], weightFirst: true) == [[1, 2, 3]])
    #expect(
      try Self.integers("MatMul", [2, 2, 2]) == [[1, 3], [2, 4], [5, 7], [6, 8]])
  }

  @Test func `a Transpose between quantizer and layer moves the scale with the weight`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.constant([1, 2, 3, 40, 50, 60], [2, 3])
    let quantized = builder.quant(w, scales: [1, 10], [2, 1], bits: 8, signed: true)
    let moved = builder.node("Transpose", [quantized], [Attribute("perm", .ints([1, 0]))])
    builder.output(builder.node("MatMul", [x, moved]))
    let layer = try builder.layer()
    #expect(layer.integers == [[1, 2, 3], [4, 5, 6]])
    #expect(layer.weight?.scales == [1, 10])
  }

  @Test func `Reshape, Unsqueeze and Squeeze between quantizer and layer are followed`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.constant([1, 2, 3, 40, 50, 60], [2, 3])
    let quantized = builder.quant(w, scales: [1, 10], [2, 1], bits: 8, signed: true)
    let shape = builder.constant(of: [Int64(0), 3, -1], [3])
    let reshaped = builder.node("Reshape", [quantized, shape])
    let axes = builder.constant(of: [Int64(3)], [1])
    let wide = builder.node("Unsqueeze", [reshaped, axes])
    let narrow = builder.node("Squeeze", [wide, axes])
    builder.output(builder.node("Conv", [x, narrow]))
    let layer = try builder.layer()
    #expect(layer.integers == [[1, 2, 3], [4, 5, 6]])
    #expect(layer.weight?.scales == [1, 10])
  }

  @Test func `Squeeze without axes removes the dimensions of 1 and no other`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let squeezed = builder.node("Squeeze", [Self.weight(&builder, [1, 2, 1, 3])])
    builder.output(builder.node("MatMul", [x, squeezed]))
    #expect(try builder.layer().integers == [[1, 4], [2, 5], [3, 6]])
  }

  @Test(arguments: [true, false])
  func `stored integers whose step or zero point varies inside one sum are refused`(
    _ isTransposed: Bool
  ) throws {
    for scales in [[1, 1, 1], [1, 2, 1], [1, 1, 2], [2, 1, 1]] as [[Float]] {
      for zeros in [[0, 0, 0], [0, 3, 0], [0, 0, 3], [3, 0, 0]] as [[Int8]] {
        var builder = GraphBuilder()
        let x = builder.quant(builder.input(), bits: 4, signed: false)
        let w = builder.constant(
          of: [Int8(1), 2, 3, 4, 5, 6], isTransposed ? [2, 3] : [3, 2], name: "w")
        let scaled = builder.node(
          "DequantizeLinear",
          [w, builder.constant(scales, [3]), builder.constant(of: zeros, [3])],
          [Attribute("axis", .int(isTransposed ? 1 : 0))])
        builder.output(
          builder.node("Gemm", [x, scaled], [Attribute("transB", .int(isTransposed ? 1 : 0))]))
        let isUniform = Set(scales).count == 1 && Set(zeros).count == 1
        #expect(
          try builder.layer().obstacle == (isUniform ? nil : .weightScaleWithinSum(value: "w")))
      }
    }
  }

  @Test(
    arguments: [
      ("ConvInteger", [[0, 1], [-7, -6]]), ("QLinearConv", [[0, 1], [-7, -6]]),
      ("MatMulInteger", [[0, 2], [-8, -6]]), ("MatMulInteger left", [[0, 1], [-7, -6]]),
      ("QLinearMatMul", [[0, 2], [-8, -6]]), ("QLinearMatMul left", [[0, 1], [-7, -6]]),
      ("QGemm", [[0, 2], [-8, -6]]), ("QGemm transB", [[0, 1], [-7, -6]]),
    ] as [(String, [[Int64]])])
  func `a zero point for each channel is subtracted in that channel, on either side`(
    _ form: String, _ expected: [[Int64]]
  ) throws {
    var builder = GraphBuilder()
    let type = form.split(separator: " ").first.map(String.init) ?? form
    let isConv = type.contains("Conv")
    let isLeft = form.hasSuffix("left")
    let x = builder.input("x", TensorType(.int8, shape: isConv ? [1, 2, 1] : [2, 2]))
    let w = builder.constant(of: [Int8(1), 2, 3, 4], isConv ? [2, 2, 1] : [2, 2])
    let zeros = builder.constant(of: [Int8(1), 10], [2])
    let (one, none) = (builder.constant([1], []), builder.constant(of: [Int8(0)], []))
    let scales = builder.constant([1, 0.5], [2])
    let inputs: [ValueID?] =
      type.hasSuffix("Integer")
      ? isLeft ? [w, x, zeros] : [x, w, none, zeros]
      : isLeft
        ? [w, scales, zeros, x, one, none, one, none]
        : [x, one, none, w, scales, zeros] + (type == "QGemm" ? [] : [one, none])
    builder.output(
      builder.node(
        type, inputs, form == "QGemm transB" ? [Attribute("transB", .int(1))] : [],
        domain: type == "QGemm" ? "com.microsoft" : ""))
    let layer = try builder.layer()
    #expect(layer.obstacle == nil)
    #expect(layer.integers == expected)
    if !type.hasSuffix("Integer") { #expect(layer.weight?.scales == [1, 0.5]) }
  }

  @Test func `a convolution with its channels last has the same channels and products`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = Self.weight(&builder, [2, 1, 2, 2])
    builder.output(builder.node("Conv", [x, w], domain: "qonnx.custom_op.channels_last"))
    #expect(try builder.layer().integers == [[1, 2, 3, 4], [5, 6, 7, 8]])
  }

  @Test func `an operand of another kind than the operator's is refused`() throws {
    for form in ["stored", "codes", "grid", "scaled"] {
      var builder = GraphBuilder()
      let x = builder.input("x", TensorType(.uint8, shape: [1, 2]))
      let stored = builder.constant(of: [Int8(1), -1], [2, 1], name: "w")
      let one = builder.constant([1], [])
      let quantized = builder.quant(builder.input("r"), bits: 4, signed: false)
      let sum =
        switch form {
        // Integers without a step where real numbers are multiplied.
        case "stored": builder.node("MatMul", [quantized, stored])
        case "codes":
          builder.node(
            "MatMul",
            [quantized, builder.node("QuantizeLinear", [builder.constant([1, 2], [2, 1]), one])])
        // Real numbers where integers are.
        case "grid": builder.node("MatMulInteger", [quantized, stored])
        default:
          builder.node(
            "MatMulInteger",
            [
              x,
              builder.node(
                "DequantizeLinear", [stored, one, builder.constant(of: [Int8(100)], [])]),
            ])
        }
      builder.output(sum)
      #expect(try builder.layer().obstacle != nil, "\(form)")
    }
  }

  @Test func `a scale that varies inside one sum is refused`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.constant([1, 2, 3, 4], [2, 2], name: "w")
    let quantized = builder.quant(w, scales: [1, 2], [1, 2], bits: 8, signed: true)
    builder.output(builder.node("Gemm", [x, quantized], [Attribute("transB", .int(1))]))
    #expect(try builder.layer().obstacle == .weightScaleWithinSum(value: "w"))
  }

  @Test func `a scale that repeats for the inputs of each group is one scale a channel`() throws {
    // (I = 4 in 2 groups, O / groups = 2, k = 1): only the axis of the inputs tells the groups apart.
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.constant([1, 20, 3, 40, 500, 6000, 700, 8000], [4, 2, 1], name: "w")
    let quantized = builder.quant(
      w, scales: [1, 10, 1, 10, 100, 1000, 100, 1000], [4, 2, 1], bits: 8, signed: true)
    builder.output(
      builder.node("ConvTranspose", [x, quantized], [Attribute("group", .int(2))]))
    let layer = try builder.layer()
    #expect(layer.integers == [[1, 3], [2, 4], [5, 7], [6, 8]])
    #expect(layer.weight?.scales == [1, 10, 100, 1000])
  }

  /// Shapes that use the column loop, the run loop and both of their remainders.
  @Test(arguments: [[1, 1], [3, 130], [200, 65], [5, 1], [1, 200], [1000, 3]])
  func `sums of large matrices equal a plain loop`(_ shape: [Int]) throws {
    let count = shape[0] * shape[1]
    let values = (0..<count).map { Float(($0 * 7919) % 255 - 127) }
    for transposed in [false, true] {
      var builder = GraphBuilder()
      let x = builder.quant(builder.input(), bits: 8, signed: true)
      let w = builder.quant(
        builder.constant(values.map { $0 * 0.125 }, shape), scale: 0.125, bits: 8, signed: true)
      builder.output(
        builder.node("Gemm", [x, w], [Attribute("transB", .int(transposed ? 1 : 0))]))
      let layer = try builder.layer()
      let channels = shape[transposed ? 0 : 1]
      #expect(layer.channels.count == channels)
      for channel in 0..<channels {
        let own = (0..<shape[transposed ? 1 : 0]).map { k in
          Int64(values[transposed ? channel * shape[1] + k : k * shape[1] + channel])
        }
        #expect(layer.channels[channel].sums.positive == own.reduce(0) { $0 + max($1, 0) })
        #expect(layer.channels[channel].sums.negative == own.reduce(0) { $0 - min($1, 0) })
      }
      #expect(layer.weight?.inexactCount == 0)
    }
  }

  @Test(
    arguments: [
      ("Conv", [4]), ("Gemm", [2, 2, 2]), ("ConvTranspose", [3]), ("MatMul", []),
    ] as [(String, [Int])])
  func `a weight of the wrong rank is refused by name`(_ type: String, _ shape: [Int]) throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = Self.weight(&builder, shape)
    builder.output(builder.node(type, [x, w], name: "layer"))
    guard case .shape("layer", _, _, _)? = try builder.layer().obstacle else {
      Issue.record("expected a shape obstacle")
      return
    }
  }
}
