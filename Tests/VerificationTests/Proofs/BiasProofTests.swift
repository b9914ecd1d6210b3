import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Every form of summand in docs/certificate.md, held against an enumeration of all places of the output, all inputs and
/// all orders.
@Suite struct BiasProofTests {
  @Test(arguments: layers)
  func
    `constants of every shape count in each place that they reach, on either side, by Add, Sub and Sum`(
      _ layer: Layer
    ) throws
  {
    for shape in Self.shapes(layer) {
      for (inputScale, weightScale) in [(0.5, 0.25), (-0.5, 0.25), (0.5, -0.25)] as [(Float, Float)]
      {
        for multiple in [1, -1, 3] {
          let isInteger = layer.type.hasSuffix("Integer")
          if isInteger, multiple != 1 || inputScale < 0 || weightScale < 0 { continue }
          let step = isInteger ? 1 : inputScale * weightScale * Float(multiple)
          let values = Self.values(shape)
          for form in ["Add", "Add turned", "Sub", "Sum", "operand"] {
            if form == "operand",
              !(layer.type == "Gemm" && shape.count <= 2
                || ["Conv", "ConvTranspose"].contains(layer.type) && shape == [2])
            {
              continue
            }
            if form == "Sum", isInteger { continue }
            var builder = GraphBuilder()
            let b = Self.constant(&builder, layer, values, shape, step: step)
            if form == "operand" {
              builder.output(
                Self.build(
                  &builder, layer, inputScale: inputScale, weightScale: weightScale, operand: b))
            } else {
              let y = Self.build(
                &builder, layer, inputScale: inputScale, weightScale: weightScale)
              builder.output(
                builder.node(
                  String(form.prefix(3)), form == "Add turned" ? [b, y] : [y, b], name: "sum"))
            }
            let factor = (form == "Sub" ? -1 : 1) * (isInteger ? 1 : multiple)
            // A convolution's own bias follows the channels.
            let places =
              form == "operand" && layer.type.hasPrefix("Conv") && !layer.isChannelsLast
              ? [2, 1, 1] : shape
            let added = Self.bounds(layer, values.map { $0 * factor }, places)
            // Axes that the channels are known to lie along are followed exactly.
            let rank = layer.output.count
            let follows =
              places.count >= rank - layer.channelAxis
              && places[places.count - (rank - layer.channelAxis)] > 1
            let batches = layer.isBatched && places.count == 3 && places[0] > 1
            let isExact = (follows || Set(values).count == 1 || Set(added).count == 1) && !batches
            try Self.expect(
              builder, layer, added, isExact: isExact,
              "\(form) \(shape) times \(multiple), \(inputScale), \(weightScale)")
          }
        }
      }
    }
  }

  @Test(arguments: layers)
  func `chains of additions count whichever come first, and each way on its own`(_ layer: Layer)
    throws
  {
    let isInteger = layer.type.hasSuffix("Integer")
    let step: Float = isInteger ? 1 : 0.125
    for (first, second) in [([9], [-4]), ([9], [5]), ([-9], [-5]), ([-9], [20])] {
      for move in [nil, "Identity", "Transpose", "Reshape", "Split", "Dropout", "Tile"] as [String?]
      {
        var builder = GraphBuilder()
        var y = Self.build(&builder, layer, inputScale: 0.5, weightScale: 0.25)
        y = builder.node(
          "Add", [y, Self.constant(&builder, layer, first, [1], step: step)], name: "first")
        switch move {
        case "Split":
          let parts = ["a", "b"].map { builder.graph.addValue(name: $0) }
          builder.graph.addNode(
            OpaqueOperator(domain: "", type: "Split", attributes: []), name: "split", inputs: [y],
            outputs: parts)
          // The second part: the first one is read by nobody.
          y = parts[1]
        case "Reshape":
          y = builder.node("Reshape", [y, builder.constant(of: [Int64(-1)], [1])])
        case "Tile": y = builder.node("Tile", [y, builder.constant(of: [Int64(2)], [1])])
        case let move?: y = builder.node(move, [y])
        case nil: break
        }
        let last = builder.node(
          "Sub", [y, Self.constant(&builder, layer, second, [1], step: step)], name: "second")
        builder.output(last)
        let low = min(first[0], 0) + min(-second[0], 0)
        let high = max(first[0], 0) + max(-second[0], 0)
        try Self.expect(
          builder, layer, layer.channels.map { _ in low...high }, isExact: true,
          "\(first) \(second) \(move ?? "")")
      }
      // Two consumers: either sum is one that the register may hold.
      var builder = GraphBuilder()
      let y = Self.build(&builder, layer, inputScale: 0.5, weightScale: 0.25)
      for (index, value) in [first, second].enumerated() {
        builder.output(
          builder.node(
            "Add", [y, Self.constant(&builder, layer, value, [1], step: step)], name: "a\(index)"))
      }
      let range = min(first[0], second[0], 0)...max(first[0], second[0], 0)
      try Self.expect(
        builder, layer, layer.channels.map { _ in range }, isExact: true, "\(first) \(second)")
    }
  }

  @Test(arguments: layers)
  func `summands computed at run time count by all integers that they can hold`(_ layer: Layer)
    throws
  {
    let isInteger = layer.type.hasSuffix("Integer")
    for (signed, bits) in [(true, 4), (false, 3)] {
      for form in ["Add", "Sub"] {
        var builder = GraphBuilder()
        let y = Self.build(&builder, layer, inputScale: -0.5, weightScale: 0.25)
        let full = signed ? -8...7 : 0...7
        let other: ValueID
        if isInteger {
          let codes = builder.input("other", TensorType(.int32, shape: [1]))
          other = builder.node(
            "Clip",
            [
              codes, builder.constant(of: [Int32(full.lowerBound)], []),
              builder.constant(of: [Int32(full.upperBound)], []),
            ], name: "limit")
        } else {
          other = builder.quant(
            builder.input("other"), scale: 0.25, bits: Float(bits), signed: signed)
        }
        builder.output(builder.node(form, [y, other], name: "sum"))
        // 0.25 is -2 steps of -0.125.
        let factor = (isInteger ? 1 : -2) * (form == "Sub" ? -1 : 1)
        let ends = [full.lowerBound * factor, full.upperBound * factor].sorted()
        try Self.expect(
          builder, layer, layer.channels.map { _ in ends[0]...ends[1] }, isExact: true, form)
        #expect(try builder.layer().bias?.values == nil)
      }
    }
  }

  @Test(arguments: layers.filter { !$0.type.hasSuffix("Integer") })
  func `real numbers and integers of any other step are outside`(_ layer: Layer) throws {
    for step in [0.0625, 0.3, 0.1251, 0.125 * 1.000001] as [Float] {
      var builder = GraphBuilder()
      let y = Self.build(&builder, layer, inputScale: 0.5, weightScale: 0.25)
      let b = builder.quant(
        builder.constant([1000 * step], [1]), scale: step, bits: 12, signed: true)
      builder.output(builder.node("Add", [y, b], name: "sum"))
      #expect(try builder.layer().bias == nil, "\(step)")
    }
    var builder = GraphBuilder()
    let y = Self.build(&builder, layer, inputScale: 0.5, weightScale: 0.25)
    let sum = builder.node("Add", [y, builder.constant([1000], [1])], name: "sum")
    // Behind a scale nothing is in the accumulator any more.
    let scaled = builder.node("Mul", [sum, builder.constant([2], [])])
    builder.output(
      builder.node(
        "Add", [scaled, Self.constant(&builder, layer, [7], [1], step: 0.125)], name: "late"))
    #expect(try builder.layer().bias == nil)
  }

  @Test(arguments: [1, 1.00000006, 0.9999999, 4, 1_048_577, 8_388_608, 1.2e30] as [Float])
  func `a step that is a whole multiple up to roundings counts, however large`(_ multiple: Float)
    throws
  {
    var builder = GraphBuilder()
    let layer = Self.layers[0]
    let y = Self.build(&builder, layer, inputScale: 0.5, weightScale: 0.25)
    let step = 0.125 * multiple
    builder.output(
      builder.node(
        "Add",
        [
          y,
          builder.quant(
            builder.constant([step], [1], name: "b"), scale: step, bits: 4, signed: true),
        ])
    )
    let analysis = try builder.layer()
    if multiple > 1e20 {
      #expect(analysis.obstacle == .unknownBias(value: "b"))
    } else {
      #expect(analysis.bias?.values == [Int64](repeating: Int64(multiple.rounded()), count: 2))
    }
  }

  @Test func `alpha and beta of Gemm scale what counts`() throws {
    for (alpha, beta, factor) in [(1, 1, 1), (0.5, 1, 2), (1, -2, -2), (-1, 1, -1), (2, 1, nil)]
      as [(Float, Float, Int?)]
    {
      for isOperand in [true, false] where isOperand || beta == 1 {
        var builder = GraphBuilder()
        let layer = Self.layers[5]
        let attributes = [Attribute("alpha", .float(alpha)), Attribute("beta", .float(beta))]
        let b = Self.constant(&builder, layer, [9, -4], [2], step: 0.125)
        let y = Self.build(
          &builder, layer, inputScale: 0.5, weightScale: 0.25, operand: isOperand ? b : nil,
          attributes: attributes)
        builder.output(isOperand ? y : builder.node("Add", [y, b], name: "sum"))
        guard let factor else {
          #expect(try builder.layer().bias == nil)
          continue
        }
        try Self.expect(
          builder, layer, Self.bounds(layer, [9 * factor, -4 * factor], [2]), isExact: true,
          "\(alpha) \(beta) \(isOperand)")
      }
    }
  }

  @Test
  func
    `a sum that is subtracted from what counts, and a summand of unknown operators, are refused`()
    throws
  {
    for layer in Self.layers {
      let step: Float = layer.type.hasSuffix("Integer") ? 1 : 0.125
      var builder = GraphBuilder()
      let y = Self.build(&builder, layer, inputScale: 0.5, weightScale: 0.25)
      let b = Self.constant(&builder, layer, [3], [1], step: step)
      builder.output(builder.node("Sub", [b, y], name: "minus"))
      #expect(try builder.layer().obstacle == .subtractedSum(node: "minus"), "\(layer)")

      var unknown = GraphBuilder()
      let z = Self.build(&unknown, layer, inputScale: 0.5, weightScale: 0.25)
      let mystery = unknown.node("Mystery", [unknown.input("m")])
      unknown.output(unknown.node("Add", [z, mystery], name: "sum"))
      let result = try Verifier.verify(
        unknown.model,
        VerificationConditions(
          accumulatorBits: 32, assumptions: [OperatorName(domain: "", type: "Mystery")]))
      #expect(
        result.layers.map(\.layer.obstacle) == [.unknownBias(value: "Mystery_out")], "\(layer)")

      // A part of a Concat that was subtracted from real numbers is no less so behind it.
      if step == 1 { continue }
      var joined = GraphBuilder()
      let sum = Self.build(&joined, layer, inputScale: 0.5, weightScale: 0.25)
      let minus = joined.node("Sub", [joined.constant([0.3], [1]), sum])
      let both = joined.node("Concat", [sum, minus], [Attribute("axis", .int(0))])
      let three = Self.constant(&joined, layer, [3], [1], step: step)
      joined.output(joined.node("Add", [both, three], name: "plus"))
      #expect(try joined.layer().obstacle == .subtractedSum(node: "plus"), "\(layer)")
    }
  }

  @Test func `biases that an operator's definition puts in the accumulator always count`() throws {
    for (form, isConstant) in [
      ("QLinearConv", true), ("QLinearConv", false), ("QGemm", true), ("QGemm", false),
    ] {
      for shape in form == "QGemm" ? [[2], [1, 2], [2, 1], [2, 2], []] : [[2]] {
        var builder = GraphBuilder()
        let isConv = form == "QLinearConv"
        let codes = builder.input("x", TensorType(.int8, shape: isConv ? [2, 2, 1, 2] : [2, 2]))
        let x = builder.node(
          "Clip",
          [codes, builder.constant(of: [Int8(-1)], []), builder.constant(of: [Int8(2)], [])])
        let w = builder.constant(
          of: Self.weights.flatMap { $0 }.map { Int8($0) }, isConv ? [2, 2, 1, 1] : [2, 2])
        let (scale, zero) = (builder.constant([0.3], []), builder.constant(of: [Int8(0)], []))
        let values = Self.values(shape)
        var b = builder.constant(of: values.map { Int32($0) }, shape, name: "b")
        if !isConstant {
          b = builder.node(
            "Clip",
            [
              builder.input("run", TensorType(.int32, shape: shape)),
              builder.constant(of: [Int32(-5)], []), builder.constant(of: [Int32(11)], []),
            ], name: "limit")
        }
        builder.output(
          isConv
            ? builder.node("QLinearConv", [x, scale, zero, w, scale, zero, scale, zero, b])
            : builder.node(
              "QGemm", [x, scale, zero, w, scale, zero, b, scale, zero],
              [Attribute("transB", .int(1))], domain: "com.microsoft"))
        let layer = Layer(
          type: form, output: isConv ? [2, 2, 1, 2] : [2, 2], channelAxis: 1)
        let added =
          isConstant
          ? Self.bounds(layer, values, isConv ? [2, 1, 1] : shape)
          : [-5...11, -5...11]
        let isExact = !isConstant || shape.last == 2 || Set(added).count == 1
        try Self.expect(builder, layer, added, isExact: isExact, "\(form) \(shape)")
      }
    }
  }
}
