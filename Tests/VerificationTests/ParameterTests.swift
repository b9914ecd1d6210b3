import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// What a file gives as parameters of operators: read exactly as they are defined, or refused.
@Suite struct ParameterTests {
  /// A layer whose input is what `body` makes of a value.
  private static func layer(
    _ input: TensorType?, _ body: (inout GraphBuilder, ValueID) -> ValueID
  ) throws -> LayerAnalysis {
    var builder = GraphBuilder()
    let value = body(&builder, builder.input("x", input))
    let w = builder.quant(builder.constant([1, -1], [2, 1], name: "w"), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [value, w]))
    return try builder.layer()
  }

  // MARK: Parameters that are computed from constants

  @Test func `a limit of Clip that is a scale times a constant isn't the constant`() throws {
    let layer = try Self.layer(nil) { builder, x in
      let low = builder.node(
        "DequantizeLinear", [builder.constant(of: [Int8(-4)], []), builder.constant([2], [])])
      return builder.node("Clip", [builder.quant(x, bits: 5, signed: true), low])
    }
    #expect(layer.obstacle == .runTimeParameter(node: "Clip", parameter: "min"))
  }

  @Test func `a zero point that a quantizer computes isn't its real number`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, shape: [1, 2]))
    let zero = builder.node(
      "QuantizeLinear", [builder.constant([3], []), builder.constant([0.5], [])])
    builder.output(
      builder.node(
        "MatMulInteger", [x, builder.constant(of: [Int8(1), 1], [2, 1]), zero], name: "layer"))
    #expect(
      try builder.layer().obstacle
        == .runTimeParameter(node: "layer", parameter: "the zero point"))
  }

  @Test func `a scale that a Transpose reorders isn't read in the file's order`() throws {
    for (shape, isRead) in [([2, 2], false), ([4, 1], true), ([1, 4], true)] {
      var builder = GraphBuilder()
      let scale = builder.node("Transpose", [builder.constant([1, 2, 4, 8], shape)])
      let moved = Array(shape.reversed())
      let w = builder.node(
        "Quant",
        [
          builder.constant([1, 2, 4, 8], moved), scale, builder.constant([0], []),
          builder.constant([4], []),
        ], [Attribute("signed", .int(1)), Attribute("narrow", .int(0))],
        domain: "qonnx.custom_op.general", name: "w")
      let x = builder.quant(builder.input(), bits: 2, signed: false)
      // One product a sum, so that no scale varies within one.
      let row = builder.node("Reshape", [w, builder.constant(of: [Int64(1), 4], [2])])
      builder.output(builder.node("MatMul", [x, row]))
      let layer = try builder.layer()
      if isRead {
        #expect(layer.integers == [[1], [1], [1], [1]])
      } else {
        #expect(layer.obstacle == .runTimeParameter(node: "w", parameter: "the scale"))
      }
    }
  }

  @Test func `constants of two types are not added`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, shape: [1, 2]))
    let sum = builder.node(
      "Add",
      [
        builder.constant(of: [Int8(1), 1], [2, 1]),
        builder.constant(of: [Int32(1000), 1000], [2, 1]),
      ])
    builder.output(builder.node("MatMulInteger", [x, sum]))
    #expect(try builder.layer().integers.isEmpty)
  }

  // MARK: Casts

  @Test(arguments: [
    (ElementType.float32, 1 << 24, true), (.float32, (1 << 24) + 1, false),
    (.float64, (1 << 24) + 1, true), (.float16, 1, false), (.int64, 1, false),
  ])
  func `integers are cast only to types that hold each of them, on both sides of zero`(
    _ target: ElementType, _ reach: Int, _ holds: Bool
  ) throws {
    for sign in [1, -1] {
      let value = reach * sign
      let layer = try Self.layer(TensorType(.int32, shape: [1, 2])) { builder, x in
        let limits = [min(value, 0), max(value, 0)].map { builder.constant(of: [Int32($0)], []) }
        return builder.node(
          "Cast", [builder.node("Clip", [x] + limits)],
          [Attribute("to", .int(Int64(target.rawValue)))])
      }
      #expect((layer.obstacle == nil) == holds, "\(value)")
      if holds {
        #expect(layer.input?.integerMinimum == min(value, 0))
        #expect(layer.input?.integerMaximum == max(value, 0))
      }

      var builder = GraphBuilder()
      let w = builder.node(
        "Cast", [builder.constant(of: [Int32(value), 0], [2, 1])],
        [Attribute("to", .int(Int64(target.rawValue)))])
      builder.output(
        builder.node("MatMul", [builder.quant(builder.input(), bits: 2, signed: false), w]))
      #expect(try builder.layer().integers == (holds ? [[Int64(value), 0]] : []), "\(value)")
    }
  }

  // MARK: Quant

  @Test(arguments: [
    ("HALF_UP", 23, 0, true), ("HALF_UP", 24, 0, false), ("ROUND", 24, 0, true),
    ("HALF_DOWN", 24, 0, true), ("ROUND", 25, 0, false), ("ROUND", 8, 1 << 23, true),
    ("ROUND", 8, -(1 << 23), true), ("ROUND", 8, (1 << 23) + 1, false),
    ("ROUND", 8, -(1 << 23) - 1, false),
  ])
  func
    `Quant is followed while single precision holds every code and its difference to the zero point`(
      _ mode: String, _ bits: Int, _ zeroPoint: Int, _ holds: Bool
    ) throws
  {
    let layer = try Self.layer(nil) { builder, x in
      builder.quant(x, bits: Float(bits), signed: true, zeroPoint: Float(zeroPoint), mode: mode)
    }
    #expect((layer.obstacle == nil) == holds)
    if holds {
      #expect(layer.input?.integerMinimum == -(1 << (bits - 1)) - zeroPoint)
      #expect(layer.input?.integerMaximum == (1 << (bits - 1)) - 1 - zeroPoint)
    }
  }

  // MARK: Operands of integer operators

  @Test func `a run-time operand has one step and one zero point, or is refused`() throws {
    for (scales, zeros, holds) in [
      ([1], [3], true), ([1, 1], [3, 3], true), ([1, 2], [3], false), ([1], [3, 4], false),
      ([1], [3, 100], false),
    ] as [([Float], [UInt8], Bool)] {
      for type in ["QLinearMatMul", "MatMulInteger"] {
        var builder = GraphBuilder()
        let x = builder.input("x", TensorType(.uint8, shape: [2, 2]))
        let w = builder.constant(of: [Int8(1), -1], [2, 1])
        let scale = builder.constant(scales, scales.count == 1 ? [] : [2])
        let zero = builder.constant(of: zeros, zeros.count == 1 ? [] : [2])
        let (one, none) = (builder.constant([1], []), builder.constant(of: [Int8(0)], []))
        builder.output(
          builder.node(
            type,
            type == "MatMulInteger" ? [x, w, zero] : [x, scale, zero, w, one, none, one, none],
            name: "layer"))
        let layer = try builder.layer()
        let fits = holds || type == "MatMulInteger" && zeros.count == 1
        #expect(
          layer.obstacle == (fits ? nil : .inputScalePerChannel(node: "layer")),
          "\(type) \(scales) \(zeros)")
        if fits { #expect(layer.input?.integerMinimum == -3) }
      }
    }
  }

  @Test func `the type to which a Cast rounds real numbers bounds them`() throws {
    for (type, range) in [
      (ElementType.int8, -128...127), (.uint8, 0...255), (.int16, -32768...32767), (.float32, nil),
    ] as [(ElementType, ClosedRange<Int>?)] {
      var builder = GraphBuilder()
      let cast = builder.node(
        "Cast", [builder.node("Sigmoid", [builder.input()])],
        [Attribute("to", .int(Int64(type.rawValue)))])
      builder.output(
        builder.node("MatMulInteger", [cast, builder.constant(of: [Int8(1), 1], [2, 1])]))
      #expect(RangeTests.range(try builder.layer()) == range)
    }
  }

  @Test func `an output that an operator doesn't have is not bounded by its input's type`() throws {
    for type in ["Transpose", "Relu", "MaxPool"] {
      var builder = GraphBuilder()
      let outputs = ["a", "b", "c"].map { builder.graph.addValue(name: $0) }
      builder.graph.addNode(
        OpaqueOperator(domain: "", type: type, attributes: []), name: "node",
        inputs: [builder.input("x", TensorType(.uint8, shape: [1, 2]))], outputs: outputs)
      builder.output(
        builder.node("MatMulInteger", [outputs[2], builder.constant(of: [Int8(1), 1], [2, 1])]))
      #expect(
        try builder.layer().obstacle
          == .unquantizedInput(value: "c", origin: .node(type: type, name: "node")))
    }
  }

  // MARK: QuantizeLinear and DequantizeLinear

  private static func quantized(
    _ scale: [Float], zeroPoints: [Int8], _ attributes: [Attribute] = [],
    values: [Float] = [1, 2, 3, 4]
  ) throws -> LayerAnalysis {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, shape: [1, 2]))
    let codes = builder.node(
      "QuantizeLinear",
      [
        builder.constant(values, [2, 2]), builder.constant(scale, scale.count == 1 ? [] : [2]),
        builder.constant(of: zeroPoints, zeroPoints.count == 1 ? [] : [2]),
      ], attributes)
    builder.output(builder.node("MatMulInteger", [x, codes]))
    return try builder.layer()
  }

  @Test func `scales and zero points follow the second axis unless another is named`() throws {
    let axis0 = [Attribute("axis", .int(0))]
    #expect(try Self.quantized([1, 0.5], zeroPoints: [0, 0]).integers == [[1, 3], [4, 8]])
    #expect(
      try Self.quantized([1, 0.5], zeroPoints: [0, 0], axis0).obstacle
        == .weightScaleWithinSum(value: "c"))
    #expect(try Self.quantized([1], zeroPoints: [0, 5]).obstacle == nil)
    #expect(try Self.quantized([1], zeroPoints: [0, 5]).integers == [[1, 3], [7, 9]])
  }

  @Test func `quotients beyond 64 bits saturate, whatever the zero point`() throws {
    for zero in [Int8(0), 5, -128] {
      let layer = try Self.quantized(
        [1e-30], zeroPoints: [zero], values: [3e38, -3e38, 1e10, -1e10])
      #expect(layer.integers == [[127, 127], [-128, -128]], "\(zero)")
    }
  }

  @Test func `a scale for blocks of a constant is refused`() throws {
    for (size, holds) in [(0, true), (1, false), (2, false), (-1, false)] {
      let layer = try Self.quantized(
        [1, 0.5], zeroPoints: [0, 0], [Attribute("block_size", .int(Int64(size)))])
      #expect((layer.integers == [[1, 3], [4, 8]]) == holds, "\(size)")
    }
  }

  @Test func `an output type beside a zero point of another type is refused`() throws {
    for (stated, holds) in [(ElementType.int8, true), (.uint8, false), (.int4, false)] {
      var builder = GraphBuilder()
      let codes = builder.node(
        "QuantizeLinear",
        [builder.input(), builder.constant([1], []), builder.constant(of: [Int8(0)], [])],
        [Attribute("output_dtype", .int(Int64(stated.rawValue)))], name: "q")
      builder.output(
        builder.node("MatMulInteger", [codes, builder.constant(of: [Int8(1), 1], [2, 1])]))
      #expect(
        try builder.layer().obstacle
          == (holds
            ? nil : .runTimeParameter(node: "q", parameter: "the zero point's type")),
        "\(stated)")
    }
  }
}
