import TensorCore
import Testing

@testable import AccumulatorBounds

@Suite struct WorstCaseTests {
  @Test(arguments: [0...3, -4...3, -2...1, 1...3, -3 ... -1, 2...2, 0...7] as [ClosedRange<Int>])
  func `the extremes are those of all partial sums`(input: ClosedRange<Int>) throws {
    let range = try integers(input)
    for weights in vectors(-3...3, length: 3) {
      for bias in [0, 5, -9] {
        let (least, greatest) = reachable(weights, input, bias: bias)
        let sums = try #require(SignSums(weights))
        let worst = WorstCase(of: sums, input: range, bias: Int64(bias))
        #expect(worst.minimum == Int128(least) && worst.maximum == Int128(greatest))
      }
    }
  }

  @Test(
    arguments: [
      (0, 0, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-3, 0, 3), (0, 127, 8), (-128, 0, 8),
      (0, 128, 9), (-129, 0, 9), (5, 5, 4), (0, 1 << 63 - 1, 64), (0, 1 << 63, 65),
    ] as [(Int128, Int128, Int)])
  func `required bits are the least that hold both extremes`(
    minimum: Int128, maximum: Int128, bits: Int
  ) throws {
    var worst = WorstCase(of: SignSums(positive: 0, negative: 0), input: try integers(0...0))
    worst.minimum = minimum
    worst.maximum = maximum
    #expect(worst.requiredBits == bits)
    if let accumulator = AccumulatorRange(bits: bits) { #expect(worst.fits(accumulator)) }
    if let narrower = AccumulatorRange(bits: bits - 1) { #expect(!worst.fits(narrower)) }
  }

  @Test func `narrow weights are summed as wide ones`() throws {
    // The extremes of a type, more of them than 32 bits hold the sum of.
    let counts = [0, 1, 1 << 15, 1 << 15 + 1, 3 << 16]
    for count in counts {
      let bytes = (0..<count).map { $0 % 3 == 0 ? Int8.max : .min }
      let words = (0..<count).map { $0 % 3 == 0 ? Int16.max : .min }
      #expect(SignSums(bytes) == SignSums(bytes.map(Int64.init)))
      #expect(SignSums(words) == SignSums(words.map(Int64.init)))
      #expect(SignSums(words[...].dropFirst()) == SignSums(words.dropFirst().map(Int64.init)))
    }
  }

  @Test func `weights of every width are summed by their signs`() throws {
    let weights = [3, -7, 0, 12, -1]
    let expected = SignSums(positive: 15, negative: 8)
    #expect(SignSums(weights.map { Int8($0) }) == expected)
    #expect(SignSums(weights.map { Int16($0) }) == expected)
    #expect(SignSums(weights.map { Int32($0) }) == expected)
    #expect(SignSums(weights.map { Int64($0) }) == expected)
    #expect(SignSums(weights.map { Int128($0) }) == expected)
    #expect(expected.norm == 23)
    #expect(SignSums([Int128(Int64.max) + 1]) == nil)
    #expect(SignSums([Int128(Int64.min) - 1]) == nil)
    #expect(SignSums(positive: 1, negative: .max).adding(expected) == nil)
    #expect(SignSums(positive: .max, negative: 1).adding(expected) == nil)
    #expect(expected.adding(expected) == SignSums(positive: 30, negative: 16))
  }

  @Test func `the largest sums and inputs stay exact`() throws {
    let sums = SignSums(positive: .max, negative: .max)
    let worst = WorstCase(of: sums, input: try integers(.min ... .max), bias: .max)
    #expect(worst.maximum == Int128(Int64.max) + (Int128(1) << 64 - 1) * Int128(Int64.max))
    #expect(worst.requiredBits == 128)
  }

  @Test func `sums beyond 64 bits are refused`() {
    #expect(SignSums([Int64.max, 1]) == nil)
    #expect(SignSums([Int64.min]) == nil)
    #expect(SignSums([Int64.max, -1])?.norm == 1 << 63)
    #expect(SignSums([Int8.min, 127]) == SignSums(positive: 127, negative: 128))
  }

  @Test func `the data-type bound is the published formula`() {
    #expect(dataTypeBits(dotLength: 1, inputBits: 1, inputSigned: true, weightBits: 1) == 2)
    #expect(dataTypeBits(dotLength: 0, inputBits: 1, inputSigned: true, weightBits: 1) == nil)
    for dotLength in [1, 2, 3, 9, 64, 576, 4608] {
      for bits in 1...8 {
        for signed in [false, true] {
          // The least P with K 2^(N+M-1-sgn) + 1 <= 2^(P-1).
          let largest = dotLength << (bits + 4 - 1 - (signed ? 1 : 0))
          let expected = (1...).first { largest + 1 <= 1 << ($0 - 1) }
          #expect(
            dataTypeBits(
              dotLength: dotLength, inputBits: bits, inputSigned: signed, weightBits: 4)
              == expected)
        }
      }
    }
  }

  @Test(
    arguments: [
      (1, true, false, -1, 0), (4, true, false, -8, 7), (4, true, true, -7, 7),
      (4, false, false, 0, 15), (4, false, true, 0, 14), (63, false, false, 0, .max),
      (64, true, false, .min, .max), (64, true, true, -.max, .max),
    ] as [(Int, Bool, Bool, Int64, Int64)])
  func `a data type's range is QONNX's`(
    bits: Int, signed: Bool, narrow: Bool, minimum: Int64, maximum: Int64
  ) {
    let range = IntegerRange(bits: bits, signed: signed, narrow: narrow)
    #expect(range == IntegerRange(minimum, maximum))
  }

  @Test func `a tensor's integers are those of its type`() {
    #expect(IntegerType(ElementType.int4) == .int4 && IntegerType.int4.limits == -8...7)
    #expect(IntegerType(ElementType.uint8) == .uint8 && IntegerType.uint8.limits == 0...255)
    #expect(IntegerType(ElementType.int64)?.limits == .min ... .max)
    #expect(IntegerType(ElementType.uint64) == nil && IntegerType(ElementType.bool) == nil)
  }

  @Test func `a tiling has products and a register that sums can need`() throws {
    #expect(Tiling(size: 0, outerBits: 8) == nil)
    #expect(Tiling(size: 1, outerBits: 0) == nil && Tiling(size: 1, outerBits: 130) == nil)
    #expect(Tiling(size: 1, outerBits: 64)?.outer == AccumulatorRange(bits: 64))
    // Wider ones can be stated and verified, but no budget is made for them.
    let wide = try #require(Tiling(size: 3, outerBits: 65))
    #expect(wide.outer == nil)
    let (input, inner) = (try integers(0...3), try accumulatorBits(8))
    #expect(AccumulatorBudget(input: input, accumulator: inner, tiling: wide) == nil)
  }

  @Test func `impossible types and ranges are refused`() {
    #expect(IntegerRange(bits: 64, signed: false) == nil)
    #expect(IntegerRange(bits: 0, signed: true) == nil)
    #expect(IntegerRange(2, 1) == nil)
    #expect(AccumulatorRange(bits: 0) == nil)
    #expect(AccumulatorRange(bits: 65) == nil)
    #expect(IntegerRange(0, 1)?.subtracting(zeroPoint: .min) == nil)
    #expect(IntegerRange(.min, 0)?.subtracting(zeroPoint: 1) == nil)
    #expect(IntegerRange(1, 1) != nil)
    for size in [0, -1] {
      let input = IntegerRange(bits: 2, signed: false)
      #expect(input.flatMap { TiledWorstCase(weights: [1, 2], tileSize: size, input: $0) } == nil)
    }
  }
}
