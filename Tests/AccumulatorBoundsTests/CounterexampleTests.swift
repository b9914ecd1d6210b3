import Testing

@testable import AccumulatorBounds

@Suite struct CounterexampleTests {
  @Test(arguments: [0...3, -2...1, 1...3, -3 ... -1] as [ClosedRange<Int>], [1, -2, 0])
  func `there is one exactly where some order overflows, and it does`(
    input: ClosedRange<Int>, bias: Int
  ) throws {
    let range = try integers(input)
    for bits in 2...5 {
      let accumulator = try accumulatorBits(bits)
      for weights in vectors(-3...3, length: 3) {
        let (least, greatest) = reachable(weights, input, bias: bias)
        let overflows = least < Int(accumulator.minimum) || greatest > Int(accumulator.maximum)
        let found = Counterexample(
          weights: weights, input: range, bias: Int64(bias)...Int64(bias), accumulator: accumulator)
        #expect((found != nil) == overflows)
        guard let found else { continue }
        #expect(found.input.allSatisfy(range.contains))
        let indices = found.prefix ?? Array(weights.indices)
        #expect(found.bias == bias || found.bias == 0 && found.prefix != nil)
        let sum = indices.reduce(Int(found.bias)) { $0 + weights[$1] * Int(found.input[$1]) }
        #expect(found.sum == Int128(sum) && !accumulator.contains(found.sum))
      }
    }
  }

  @Test func `inputs are given as stored, before the zero point`() throws {
    let found = Counterexample(
      weights: [2, -1], input: try integers(0...15), zeroPoint: 8,
      accumulator: try accumulatorBits(5))
    #expect(found?.input == [15, 0])
    #expect(found?.sum == 22)
  }

  @Test func `a whole dot product is preferred to a prefix`() throws {
    // Over inputs 1...3 the weights 3 and -3 reach 9 on the way, and 6 at the end.
    let input = try integers(1...3)
    let four = try accumulatorBits(4)
    let three = try accumulatorBits(3)
    let passing = Counterexample(weights: [3, -3], input: input, accumulator: four)
    #expect(passing?.prefix == [0] && passing?.sum == 9)
    let final = Counterexample(weights: [3, -3], input: input, accumulator: three)
    #expect(final?.prefix == nil && final?.sum == 6)
  }

  @Test func `the bias is the end of its range that drives the sum out`() throws {
    let (input, three) = (try integers(0...3), try accumulatorBits(3))
    let above = Counterexample(weights: [1], input: input, bias: -2...4, accumulator: three)
    #expect(above?.bias == 4 && above?.sum == 7)
    let below = Counterexample(weights: [-1], input: input, bias: -2...0, accumulator: three)
    #expect(below?.bias == -2 && below?.sum == -5)
  }
}
