import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// How input ranges travel from a quantizer to the layer that reads it.
@Suite struct RangeTests {
  /// The grid that `body` makes of a quantized value, seen by a layer.
  static func layer(
    bits: Float = 4, signed: Bool = true, scale: Float = 0.5,
    _ body: (inout GraphBuilder, ValueID) -> ValueID
  ) throws -> LayerAnalysis {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), scale: scale, bits: bits, signed: signed)
    let value = body(&builder, x)
    let w = builder.quant(
      builder.constant([1, -1], [2, 1], name: "w"), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [value, w]))
    return try builder.layer()
  }

  static func range(_ layer: LayerAnalysis) -> ClosedRange<Int>? {
    layer.input.map { $0.integerMinimum...$0.integerMaximum }
  }

  @Test(arguments: [
    ("Identity", 1), ("Dropout", 1), ("Flatten", 1), ("Transpose", 1), ("Squeeze", 1),
    ("GlobalMaxPool", 1), ("DepthToSpace", 1), ("SpaceToDepth", 1), ("Slice", 1), ("Split", 1),
    ("Gather", 2), ("Tile", 2), ("Expand", 2), ("Upsample", 1),
  ])
  func `operators that only move elements keep the range`(_ type: String, _ inputs: Int) throws {
    let layer = try Self.layer { builder, x in
      builder.node(type, [x] + (1..<inputs).map { _ in builder.constant(of: [Int64(0)], [1]) })
    }
    #expect(Self.range(layer) == -8...7)
    #expect(layer.input?.scale == 0.5)
  }

  @Test func `every output of Split keeps the range`() throws {
    let layer = try Self.layer { builder, x in
      let parts = [builder.graph.addValue(name: "a"), builder.graph.addValue(name: "b")]
      builder.graph.addNode(
        OpaqueOperator(domain: "", type: "Split", attributes: []), name: "split", inputs: [x],
        outputs: parts)
      return parts[1]
    }
    #expect(Self.range(layer) == -8...7)
  }

  @Test func `the second output of MaxPool holds indices, not elements`() throws {
    let layer = try Self.layer { builder, x in
      let parts = [builder.graph.addValue(name: "a"), builder.graph.addValue(name: "indices")]
      builder.graph.addNode(
        OpaqueOperator(domain: "", type: "MaxPool", attributes: []), name: "pool", inputs: [x],
        outputs: parts)
      return parts[1]
    }
    #expect(
      layer.obstacle
        == .unquantizedInput(value: "indices", origin: .node(type: "MaxPool", name: "pool")))
  }

  @Test(arguments: [
    // Kernel, stride, dilation, padding on both sides, rounding up, size of the input.
    (3, 1, 1, 1, 0, nil, true), (3, 2, 1, 2, 0, nil, true), (3, 1, 1, 3, 0, nil, false),
    (2, 1, 3, 1, 0, nil, false), (2, 1, 3, 1, 0, 2, false), (2, 1, 3, 1, 0, 4, true),
    (2, 2, 1, 0, 1, 5, true), (2, 3, 1, 1, 1, 4, false), (2, 3, 1, 0, 1, nil, false),
    (2, 1, 3, 2, 0, 3, true), (2, 1, 3, 2, 0, 2, false), (2, 1, 1, 1, 0, 0, false),
    (2, 1, 1, 1, 0, 1, true),
  ])
  func `a maximum over windows keeps the range where none lies in the padding alone`(
    _ kernel: Int, _ stride: Int, _ dilation: Int, _ pad: Int, _ ceil: Int, _ size: Int?,
    _ keeps: Bool
  ) throws {
    var builder = GraphBuilder()
    let input = builder.input("x", size.map { TensorType(.float32, shape: [1, 1, $0]) })
    let x = builder.quant(input, scale: 0.5, bits: 4, signed: true)
    let pooled = builder.node(
      "MaxPool", [x],
      [
        Attribute("kernel_shape", .ints([Int64(kernel)])),
        Attribute("strides", .ints([Int64(stride)])),
        Attribute("dilations", .ints([Int64(dilation)])),
        Attribute("pads", .ints([Int64(pad), Int64(pad)])),
        Attribute("ceil_mode", .int(Int64(ceil))),
      ])
    let w = builder.quant(builder.constant([1, -1], [2, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [pooled, w]))
    #expect(Self.range(try builder.layer()) == (keeps ? -8...7 : nil))
  }

  @Test func `under a negative step Relu and Clip bound the integers from the other side`() throws {
    let relu = try Self.layer { builder, x in
      builder.node("Relu", [builder.node("Neg", [x])])
    }
    #expect(Self.range(relu) == -8...0)
    #expect(relu.input?.scale == -0.5)
    let clip = try Self.layer { builder, x in
      builder.node(
        "Clip",
        [
          builder.node("Mul", [x, builder.constant([-2], [])]), builder.constant([-3], []),
          builder.constant([5], []),
        ])
    }
    #expect(Self.range(clip) == -5...3)
  }

  @Test func `Relu removes the negative integers`() throws {
    #expect(Self.range(try Self.layer { builder, x in builder.node("Relu", [x]) }) == 0...7)
  }

  @Test func `Clip narrows to limits on the grid and loses one beside it`() throws {
    func clip(_ low: Float, _ high: Float) throws -> LayerAnalysis {
      try Self.layer { builder, x in
        builder.node("Clip", [x, builder.constant([low], []), builder.constant([high], [])])
      }
    }
    #expect(Self.range(try clip(-1, 2)) == -2...4)
    #expect(Self.range(try clip(-100, 100)) == -8...7)
    #expect(try clip(-1, 2.25).obstacle != nil)
    let attributes = try Self.layer { builder, x in
      builder.node("Clip", [x], [Attribute("min", .float(0)), Attribute("max", .float(6))])
    }
    #expect(Self.range(attributes) == 0...7)
  }

  @Test func `padding with zeros widens the range to include 0`() throws {
    func pad(_ value: Float?, mode: String) throws -> LayerAnalysis {
      try Self.layer(signed: false) { builder, x in
        let positive = builder.node(
          "Clip", [x, builder.constant([1], []), builder.constant([2], [])])
        let amounts = builder.constant(of: [Int64(1), 1], [2])
        return builder.node(
          "Pad", [positive, amounts, value.map { builder.constant([$0], []) }],
          [Attribute("mode", .string(mode))])
      }
    }
    #expect(Self.range(try pad(nil, mode: "constant")) == 0...4)
    #expect(Self.range(try pad(3, mode: "constant")) == 2...6)
    #expect(Self.range(try pad(nil, mode: "reflect")) == 2...4)
    #expect(try pad(0.3, mode: "constant").obstacle != nil)
  }

  @Test func `Concat of equal scales joins the ranges, and of others refuses`() throws {
    func concat(_ scale: Float) throws -> LayerAnalysis {
      try Self.layer { builder, x in
        let other = builder.quant(
          builder.input("y"), scale: scale, bits: 5, signed: false)
        return builder.node("Concat", [x, other])
      }
    }
    let joined = try concat(0.5)
    #expect(Self.range(joined) == -8...31)
    #expect(joined.input?.bits == 5)
    #expect(joined.input?.signed == true)
    let refused = Obstacle.unquantizedInput(
      value: "Concat_out", origin: .node(type: "Concat", name: "Concat"))
    #expect(try concat(0.25).obstacle == refused)
    for isFirst in [true, false] {
      let mixed = try Self.layer { builder, x in
        let codes = builder.input("codes", TensorType(.int8, nil))
        return builder.node("Concat", isFirst ? [codes, x, x] : [x, codes, x])
      }
      // Where the codes come first, their type bounds what follows from it.
      #expect(isFirst ? mixed.input?.bits == 8 : mixed.obstacle == refused)
    }
  }

  @Test(arguments: ["none", "add", "mul", "min", "max"])
  func `elements that Scatter combines with those in their place are not followed`(
    _ reduction: String
  ) throws {
    for type in ["ScatterElements", "ScatterND"] {
      let layer = try Self.layer { builder, x in
        builder.node(
          type, [x, builder.constant(of: [Int64(0)], [1]), x],
          [Attribute("reduction", .string(reduction))])
      }
      #expect(Self.range(layer) == (reduction == "none" ? -8...7 : nil))
    }
  }

  @Test(arguments: [
    ("AveragePool", 1), ("GlobalAveragePool", 1), ("Add", 2), ("Sigmoid", 1),
    ("BatchNormalization", 5),
  ])
  func `results between the steps of the grid are refused unless quantized again`(
    _ type: String, _ inputs: Int
  ) throws {
    func node(_ builder: inout GraphBuilder, _ x: ValueID) -> ValueID {
      builder.node(type, [ValueID?](repeating: x, count: inputs))
    }
    let refused = try Self.layer { builder, x in node(&builder, x) }
    #expect(
      refused.obstacle
        == .unquantizedInput(value: "\(type)_out", origin: .node(type: type, name: type)))
    let again = try Self.layer { builder, x in
      builder.quant(node(&builder, x), bits: 3, signed: false)
    }
    #expect(Self.range(again) == 0...7)
  }

  @Test func `a constant factor changes the scale and no integer`() throws {
    let layer = try Self.layer { builder, x in
      builder.node(
        "Div", [builder.node("Mul", [builder.constant([3], []), x]), builder.constant([2], [])])
    }
    #expect(Self.range(layer) == -8...7)
    #expect(layer.input?.scale == 0.75)
    let perChannel = try Self.layer { builder, x in
      builder.node("Mul", [x, builder.constant([1, 2], [2])])
    }
    #expect(perChannel.obstacle != nil)
  }

  @Test func `an integer graph input is bounded by its type`() throws {
    var builder = GraphBuilder()
    let x = builder.input("image", TensorType(.uint8, [1, 2]))
    let float = builder.node("Cast", [x], [Attribute("to", .int(1))])
    let w = builder.quant(builder.constant([1, -1], [2, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [float, w]))
    let layer = try builder.layer()
    #expect(Self.range(layer) == 0...255)
    #expect(layer.input?.bits == 8)
    #expect(layer.input?.signed == false)
  }

  @Test func `thresholds count from the bias upwards`() throws {
    var builder = GraphBuilder()
    let thresholds = builder.constant([Float](repeating: 0, count: 30), [2, 15])
    let x = builder.node(
      "MultiThreshold", [builder.input(), thresholds],
      [Attribute("out_scale", .float(0.5)), Attribute("out_bias", .float(-4))],
      domain: "qonnx.custom_op.general")
    let w = builder.quant(builder.constant([1, -1], [2, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w]))
    let layer = try builder.layer()
    #expect(Self.range(layer) == -8...7)
    #expect(layer.input?.bits == 4)
  }

  @Test func `an activation scale per channel is refused`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), scales: [1, 2], [2], bits: 4, signed: true)
    let w = builder.quant(builder.constant([1, -1], [2, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w]))
    #expect(try builder.layer().obstacle == .inputScalePerChannel(node: "Quant"))
  }

  @Test(arguments: [
    (Float(0), "the bit width"), (33, "the bit width"), (4.5, "the bit width"),
    (.nan, "the bit width"),
  ])
  func `a meaningless bit width is refused`(_ bits: Float, _ parameter: String) throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: bits, signed: true)
    let w = builder.quant(builder.constant([1, -1], [2, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w]))
    guard case .invalidParameter(_, parameter, _, _)? = try builder.layer().obstacle else {
      Issue.record("expected an invalid parameter")
      return
    }
  }

  @Test func `a stated type of a computed value proves nothing`() throws {
    var builder = GraphBuilder()
    let liar = builder.node("Relu", [builder.input()], type: TensorType(.uint8, nil))
    let moved = builder.node("Mystery", [liar], type: TensorType(.uint8, nil))
    let w = builder.constant(of: [Int8](arrayLiteral: 1, -1), [2, 1])
    builder.output(builder.node("MatMulInteger", [moved, w]))
    let mystery = Obstacle.unanalysedOperator(domain: "", type: "Mystery")
    let layers = try builder.verify(32).layers
    #expect(layers.map(\.layer.obstacle) == [mystery, mystery])
    // Not behind further operators either, nor where the caller vouches for the one that is unknown.
    for type in ["Relu", "Mystery"] {
      var builder = GraphBuilder()
      let liar = builder.node(type, [builder.input()], type: TensorType(.uint8, shape: [1, 2]))
      let moved = builder.node("Transpose", [builder.node("Relu", [liar], name: "again")])
      builder.output(
        builder.node("MatMulInteger", [moved, builder.constant(of: [Int8(1), -1], [2, 1])]))
      let result = try Verifier.verify(
        builder.model,
        VerificationConditions(
          accumulatorBits: 32, assumptions: [OperatorName(domain: "", type: "Mystery")]))
      #expect(!result.isCertified, "\(type)")
      #expect(result.layers.count == 1)
    }
  }

  @Test func `Dropout that trains, and a crop beyond the input, are refused`() throws {
    let training = try Self.layer { builder, x in
      builder.node("Dropout", [x, nil, builder.constant(of: [true], [])])
    }
    #expect(training.obstacle != nil)
    let inference = try Self.layer { builder, x in
      builder.node("Dropout", [x, nil, builder.constant(of: [false], [])])
    }
    #expect(Self.range(inference) == -8...7)
    let crop = try Self.layer { builder, x in
      builder.node(
        "Resize", [x],
        [Attribute("coordinate_transformation_mode", .string("tf_crop_and_resize"))])
    }
    #expect(crop.obstacle != nil)
    let linear = try Self.layer { builder, x in
      builder.node("Resize", [x], [Attribute("mode", .string("linear"))])
    }
    #expect(linear.obstacle != nil)
  }

  @Test func `truncation of version 2 states its own range, version 1 is refused`() throws {
    func trunc(_ parameters: [Float], version: Int = 2) throws -> LayerAnalysis? {
      var builder = GraphBuilder()
      let x = builder.quant(builder.input(), scale: 0.5, bits: 4, signed: true)
      let constants = parameters.map { builder.constant([$0], []) as ValueID? }
      let truncated = builder.node(
        "Trunc", [x] + constants, [Attribute("signed", .int(0))],
        domain: "qonnx.custom_op.general")
      let w = builder.quant(builder.constant([1, -1], [2, 1]), bits: 4, signed: true)
      builder.output(builder.node("MatMul", [truncated, w]))
      var model = builder.model
      model.importDomain("qonnx.custom_op.general", version: version)
      return try Verifier.verify(model).layers.last?.layer
    }
    let layer = try #require(try trunc([0.5, 0, 8, 2, 3]))
    #expect(Self.range(layer) == 0...7)
    #expect(layer.input?.scale == 2)
    #expect(try trunc([0.5, 0, 8, 3])?.obstacle != nil)
    #expect(try trunc([0.5, 0, 8, 2, 3], version: 1)?.obstacle != nil)
    #expect(try trunc([0.5, 1, 8, 2, 3])?.obstacle != nil)
  }

  @Test func `a quantizer without its required attributes is refused`() throws {
    var builder = GraphBuilder()
    let one = builder.constant([1], [])
    let x = builder.node(
      "Quant", [builder.input(), one, builder.constant([0], []), builder.constant([4], [])],
      [Attribute("signed", .int(1))], domain: "onnx.brevitas")
    let w = builder.quant(builder.constant([1, -1], [2, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w]))
    #expect(try builder.layer().obstacle == .attribute(node: "Quant", name: "narrow"))
  }
}
