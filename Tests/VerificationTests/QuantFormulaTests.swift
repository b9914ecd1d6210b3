import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// The integers of QONNX `Quant`, against values computed with qonnx 1.0 (`qonnx.custom_op.general.quant`).
@Suite struct QuantFormulaTests {
  static let numbers: [Float] = [
    5.5, 2.5, 1.6, 1.5, 1.1, 1.0, 0.5, 0.49999997, 0.2, 0.0, -0.2, -0.5, -1.0, -1.1, -1.5, -1.6,
    -2.5, -5.5, 7.6, -8.4, -9.0, 100.0, -100.0,
  ]

  struct Case: Sendable {
    var mode = "ROUND"
    var bits: Float = 4
    var signed = true
    var narrow = false
    var zeroPoint: Float = 0
    var expected: [Int64]
  }

  static let cases = [
    Case(expected: [6, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, -1, -1, -2, -2, -2, -6, 7, -8, -8, 7, -8]),
    Case(
      mode: "CEIL",
      expected: [6, 3, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, -1, -1, -1, -1, -2, -5, 7, -8, -8, 7, -8]),
    Case(
      mode: "FLOOR",
      expected: [5, 2, 1, 1, 1, 1, 0, 0, 0, 0, -1, -1, -1, -2, -2, -2, -3, -6, 7, -8, -8, 7, -8]),
    Case(
      mode: "UP",
      expected: [6, 3, 2, 2, 2, 1, 1, 1, 1, 0, -1, -1, -1, -2, -2, -2, -3, -6, 7, -8, -8, 7, -8]),
    Case(
      mode: "DOWN",
      expected: [5, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -2, -5, 7, -8, -8, 7, -8]),
    // 0.49999997 + 0.5 is 1 in single precision.
    Case(
      mode: "HALF_UP",
      expected: [6, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, -1, -1, -1, -2, -2, -3, -6, 7, -8, -8, 7, -8]),
    Case(
      mode: "HALF_DOWN",
      expected: [5, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, -1, -1, -1, -2, -2, -5, 7, -8, -8, 7, -8]),
    Case(
      mode: "half_even", narrow: true,
      expected: [6, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, -1, -1, -2, -2, -2, -6, 7, -7, -7, 7, -7]),
    Case(
      bits: 3, signed: false,
      expected: [6, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 7, 0]),
    Case(
      bits: 3, signed: false, narrow: true,
      expected: [6, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 6, 0]),
    Case(
      signed: false, zeroPoint: 3,
      expected: [5, 3, 2, 1, 1, 1, 1, 1, 0, 0, 0, -1, -1, -1, -1, -2, -3, -3, 8, -3, -3, 12, -3]),
    Case(
      bits: 1,
      expected: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1, 1, -1, -1, 1, -1]),
  ]

  @Test(arguments: cases)
  func `integers equal those of qonnx`(_ example: Case) throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let weight = builder.constant(Self.numbers, [Self.numbers.count, 1], name: "w")
    let quantized = builder.quant(
      weight, bits: example.bits, signed: example.signed, narrow: example.narrow,
      zeroPoint: example.zeroPoint, mode: example.mode)
    builder.output(builder.node("MatMul", [x, quantized]))
    let layer = try builder.layer()
    #expect(layer.integers == [example.expected])
    // The fast loop and the careful one must agree.
    #expect(layer.channels[0].l1Norm == UInt64(example.expected.reduce(0) { $0 + abs($1) }))
    #expect(layer.channels[0].sums.positive == example.expected.reduce(0) { $0 + max($1, 0) })
  }

  @Test func `an element that is no multiple of the scale is counted`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let weight = builder.constant([0.3, -0.6, 0.31, 0], [4, 1])
    let quantized = builder.quant(weight, scale: 0.3, bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, quantized]))
    let summary = try #require(try builder.layer().weight)
    #expect(summary.inexactCount == 1)
    #expect(summary.zeroFraction == 0.25)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func `a weight that is not finite is refused with its channel`(_ value: Float) throws {
    for (mode, place) in [("ROUND", 3), ("FLOOR", 3), ("ROUND", 2), ("FLOOR", 2)] {
      var builder = GraphBuilder()
      let x = builder.quant(builder.input(), bits: 4, signed: false)
      let numbers = (0..<4).map { $0 == place ? value : Float($0) }
      let weight = builder.constant(numbers, [2, 2], name: "w")
      let quantized = builder.quant(weight, bits: 4, signed: true, mode: mode)
      builder.output(builder.node("Gemm", [x, quantized], [Attribute("transB", .int(1))]))
      let result = try builder.verify(32)
      #expect(
        result.layers[0].findings == [
          .obstacle(.nonFiniteWeight(value: "w", channel: 1, count: 1))
        ])
      #expect(!result.isCertified)
    }
  }
}
