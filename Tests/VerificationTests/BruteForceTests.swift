import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Every input of tiny layers, enumerated: the reported width is exact, and counterexamples are real.
@Suite struct BruteForceTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var weights: [Int]
    var bits: Float
    var signed: Bool
    var narrow = false
    var zeroPoint = 0

    var testDescription: String { "\(weights) \(signed ? "s" : "u")\(Int(bits)) z\(zeroPoint)" }
  }

  static let cases: [Case] = {
    let rows = [[3, -2, 1], [-4, -4, -3], [0, 0, 0], [1, 1, 1], [-1, 2, 0], [3], [-4, 3]]
    return rows.flatMap { weights in
      [
        Case(weights: weights, bits: 2, signed: false),
        Case(weights: weights, bits: 3, signed: true),
        Case(weights: weights, bits: 3, signed: true, narrow: true),
        Case(weights: weights, bits: 3, signed: false, zeroPoint: 3),
        // A range without 0: the worst partial sum is not a whole sum.
        Case(weights: weights, bits: 2, signed: false, zeroPoint: -2),
      ]
    }
  }()

  /// The least and the greatest partial sum over all inputs and orders, by enumeration.
  ///
  /// - Parameter factor: what a weight is multiplied with for an input.
  static func extremes(
    _ weights: [Int], _ range: ClosedRange<Int>,
    factor: (_ index: Int, _ input: Int) -> Int = { $1 }
  ) -> (Int, Int) {
    var low = 0
    var high = 0
    // Any order: a partial sum is the sum over some subset of the products.
    func visit(_ index: Int, _ sum: Int) {
      low = min(low, sum)
      high = max(high, sum)
      guard index < weights.count else { return }
      visit(index + 1, sum)
      for x in range { visit(index + 1, sum + weights[index] * factor(index, x)) }
    }
    visit(0, 0)
    return (low, high)
  }

  static func builder(_ example: Case) -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.quant(
      builder.input(), scale: 0.5, bits: example.bits, signed: example.signed,
      narrow: example.narrow, zeroPoint: Float(example.zeroPoint))
    let w = builder.quant(
      builder.constant(example.weights.map { Float($0) * 0.25 }, [1, example.weights.count]),
      scale: 0.25, bits: 3, signed: true)
    builder.output(builder.node("Gemm", [x, w], [Attribute("transB", .int(1))]))
    return builder
  }

  @Test(arguments: cases)
  func `the required width is the least one that holds every partial sum`(_ example: Case) throws {
    let layer = try Self.builder(example).layer()
    let input = try #require(layer.input)
    let range = input.integerMinimum...input.integerMaximum
    let (low, high) = Self.extremes(example.weights, range)
    let bounds = layer.channels[0].worstCase
    #expect(bounds.minimum == Int128(low))
    #expect(bounds.maximum == Int128(high))
    let required = (1...64).first { -(1 << ($0 - 1)) <= low && high <= (1 << ($0 - 1)) - 1 }
    #expect(layer.requiredBits == required)
    #expect(try Self.builder(example).verify(required).isCertified)
  }

  @Test(arguments: cases)
  func `one bit less is refuted by an input whose sum leaves the range`(_ example: Case) throws {
    let builder = Self.builder(example)
    let required = try #require(try builder.layer().requiredBits)
    guard required > 1 else { return }
    let bits = required - 1
    let verdict = try #require(try builder.verify(bits).layers.first)
    let input = try #require(verdict.layer.input)
    let counterexample = try #require(verdict.counterexample)
    #expect(
      verdict.findings == [.overflow(channels: 1, targetBits: bits, requiredBits: required)])
    #expect(counterexample.channel == 0)
    #expect(
      counterexample.input.allSatisfy {
        Int64(input.integerMinimum) <= $0 && $0 <= Int64(input.integerMaximum)
      })
    let products = zip(example.weights, counterexample.input).map { Int128($0) * Int128($1) }
    let sum = (counterexample.prefix.map { $0.map { products[$0] } } ?? products).reduce(0, +)
    #expect(sum == counterexample.sum)
    #expect(sum < -(1 << (bits - 1)) || sum > (1 << (bits - 1)) - 1)
  }

  @Test func `the channel that leaves the range farthest is the one shown`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.quant(
      builder.constant([7, 0, 7, 7, -7, -7, 1, 1], [4, 2]), bits: 4, signed: true)
    builder.output(builder.node("Gemm", [x, w], [Attribute("transB", .int(1))]))
    let verdict = try builder.verify(7).layers[0]
    #expect(verdict.findings == [.overflow(channels: 3, targetBits: 7, requiredBits: 9)])
    // 2 * 7 * 15 = 210 above, -210 below: one unit less beyond its limit.
    #expect(verdict.counterexample?.channel == 1)
    #expect(verdict.counterexample?.input == [15, 15])
    #expect(verdict.counterexample?.sum == 210)
  }
}
