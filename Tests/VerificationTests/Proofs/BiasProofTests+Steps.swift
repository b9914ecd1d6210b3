import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// The steps of summands, channel by channel.
extension BiasProofTests {
  /// A product of two columns, whose weights 3, -2 and -1, 0 have a step each, with a bias behind an input scale of 0.5.
  private static func columns(
    _ steps: [Float], bias: (inout GraphBuilder) -> ValueID
  ) -> GraphBuilder {
    var builder = GraphBuilder()
    let quantized = builder.quant(
      builder.input("x", TensorType(.float32, shape: [2, 2])), scale: 0.5, bits: 3, signed: true)
    let x = builder.node(
      "Clip", [quantized, builder.constant([-0.5], []), builder.constant([1], [])])
    let rows = [[3, -1], [-2, 0]]
    let w = builder.quant(
      builder.constant(rows.flatMap { zip($0, steps).map { Float($0) * $1 } }, [2, 2], name: "w"),
      scales: steps, [1, 2], bits: 3, signed: true)
    builder.output(builder.node("Gemm", [x, w, bias(&builder)], name: "layer"))
    return builder
  }

  /// The whole number of accumulator steps in one of the bias; `nil` where it isn't whole.
  private static func multiple(_ bias: Float, _ weight: Float) -> Int? {
    let ratio = bias / (weight * 0.5)
    return ratio == ratio.rounded() && ratio != 0 ? Int(ratio) : nil
  }

  @Test func `a step is compared in each channel in which the bias isn't zero`() throws {
    let layer = Self.layers[5]
    for weights in [[0.25, 0.25], [0.25, 0.5], [-0.5, 0.25]] as [[Float]] {
      for steps in [[0.125, 0.25], [0.25, 0.0625], [0.0625, 0.5], [0.0625, 0.0625]] as [[Float]] {
        for integers in [[0, 3], [3, 0], [-2, 3], [0, 0]] {
          let builder = Self.columns(weights) { builder in
            builder.quant(
              builder.constant(zip(integers, steps).map { Float($0) * $1 }, [2], name: "b"),
              scales: steps, [2], bits: 4, signed: true)
          }
          let what = "\(weights) \(steps) \(integers)"
          let added = [0, 1].map { channel in
            integers[channel] == 0
              ? 0 : Self.multiple(steps[channel], weights[channel]).map { $0 * integers[channel] }
          }
          let counts = !added.contains(nil)
          #expect(try (builder.layer().bias != nil) == counts, "\(what)")
          try Self.expect(
            builder, layer, added.map { counts ? ($0 ?? 0)...($0 ?? 0) : 0...0 }, isExact: true,
            what)
        }
      }
    }
  }

  @Test func `one element for all channels counts in all, in none, or is refused`() throws {
    let layer = Self.layers[5]
    for weights in [[0.25, 0.25], [0.25, 0.5], [0.5, 0.25]] as [[Float]] {
      for step in [0.0625, 0.125, 0.25, 0.5] as [Float] {
        let builder = Self.columns(weights) { builder in
          builder.quant(
            builder.constant([3 * step], [1], name: "b"), scale: step, bits: 4, signed: true)
        }
        let multiples = weights.map { Self.multiple(step, $0) }
        let known = multiples.compactMap { $0 }
        if known.count == 1 {
          #expect(try builder.layer().obstacle == .unknownBias(value: "b"), "\(weights) \(step)")
        } else {
          try Self.expect(
            builder, layer, known.isEmpty ? [0...0, 0...0] : known.map { $0 * 3...$0 * 3 },
            isExact: true, "\(weights) \(step)")
        }
      }
    }
  }

  @Test func `a column of several steps counts with each of them`() throws {
    let builder = Self.columns([0.25, 0.25]) { builder in
      builder.quant(
        builder.constant([9 * 0.125, -4 * 0.125, -3 * 0.25, 5 * 0.25], [2, 2], name: "b"),
        scales: [0.125, 0.25], [2, 1], bits: 8, signed: true)
    }
    try Self.expect(builder, Self.layers[5], [-6...9, -4...10], isExact: true, "")
  }

  @Test(arguments: layers.filter { !$0.type.hasSuffix("Integer") })
  func `a run-time summand of a negative step counts with its sign`(_ layer: Layer) throws {
    for (form, step) in [("Add", -0.125), ("Sub", -0.125), ("Add", -0.25)] as [(String, Float)] {
      var builder = GraphBuilder()
      let y = Self.build(&builder, layer, inputScale: 0.5, weightScale: 0.25)
      let other = builder.quant(builder.input("other"), scale: step, bits: 4, signed: false)
      builder.output(builder.node(form, [y, other], name: "sum"))
      let end = Int(step / 0.125) * 15 * (form == "Sub" ? -1 : 1)
      try Self.expect(
        builder, layer, layer.channels.map { _ in min(end, 0)...max(end, 0) }, isExact: true,
        "\(form) \(step)")
    }
  }

  @Test(arguments: [true, false])
  func `a constant that enlarges the output meets each channel of a batch`(_ isRight: Bool) throws {
    for shape in isRight ? [[4], [1, 4], [4, 1, 4]] : [[4, 1], [4, 4, 1], [4, 4]] {
      var builder = GraphBuilder()
      let count = shape.reduce(1, *)
      let x = builder.quant(
        builder.input("x", TensorType(.float32, shape: isRight ? [4, 1, 2] : [4, 2, 1])),
        scale: 0.5, bits: 2, signed: false)
      // One channel for each matrix of the batch; the first one has products.
      let w = builder.quant(
        builder.constant([1, 1, 0, 0, 0, 0, 0, 0], isRight ? [4, 2, 1] : [4, 1, 2]), scale: 1,
        bits: 3, signed: true)
      let y = builder.node("MatMul", isRight ? [x, w] : [w, x], name: "layer")
      let b = builder.quant(
        builder.constant((0..<count).map { $0 == count - 1 ? 50 : 0 }, shape, name: "b"),
        scale: 0.5, bits: 8, signed: true)
      builder.output(builder.node("Add", [y, b], name: "sum"))
      let layer = try builder.layer()
      #expect(layer.channels.map(\.worstCase.maximum) == [106, 100, 100, 100], "\(shape)")
    }
  }

  @Test(arguments: [1, -1])
  func `summands whose sum exceeds 64 bits are refused, even where the products are zero`(
    _ sign: Int
  ) throws {
    for (count, fits) in [(1, true), (2, false)] {
      var builder = GraphBuilder()
      let x = builder.quant(builder.input("x"), scale: 0.5, bits: 3, signed: true)
      let w = builder.quant(builder.constant([0], [1, 1]), scale: 0.25, bits: 3, signed: true)
      var sum = builder.node("MatMul", [x, w], name: "layer")
      let step: Float = 0.125 * 0x1p61
      for index in 0..<count {
        let b = builder.quant(
          builder.constant([3 * step * Float(sign)], [1], name: "b\(index)"), scale: step,
          bits: 4, signed: true)
        sum = builder.node("Add", [sum, b], name: "sum\(index)")
      }
      builder.output(sum)
      #expect(try builder.verify(64).isCertified == fits)
      #expect(try builder.layer().obstacle == (fits ? nil : .unknownBias(value: "b1")))
    }
  }

  @Test func `a bias that is not finite has no integers`() throws {
    for wrong in [Float.nan, .infinity, -.infinity] {
      let builder = Self.columns([0.25, 0.25]) { builder in
        builder.quant(
          builder.constant([wrong, 0.125], [2], name: "b"), scale: 0.125, bits: 4, signed: true)
      }
      #expect(try builder.layer().obstacle == .unknownBias(value: "b"), "\(wrong)")
    }
  }
}
