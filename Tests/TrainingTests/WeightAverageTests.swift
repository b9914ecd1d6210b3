import TensorCore
import Testing

@testable import Training

@Suite struct WeightAverageTests {
  @Test func `early averages follow the parameters closely`() throws {
    let start: [Float] = [1, -2]
    let average = try start.withBuffer { try WeightAverage(decay: 0.999, parameters: $0) }
    #expect(Array(average.values) == start)
    var expected = start.map(Double.init)
    for update in 0..<20 {
      let parameters: [Float] = [Float(update), Float(3 - update)]
      parameters.withBuffer { average.update($0) }
      let decay = min(0.999, Double(1 + update) / Double(10 + update))
      for index in 0..<2 {
        expected[index] = decay * expected[index] + (1 - decay) * Double(parameters[index])
      }
    }
    #expect(average.updateCount == 20)
    #expect(largestRelativeError(Array(average.values), expected) < 1e-6)
  }

  @Test func `late averages use the decay that was given`() throws {
    let average = try [Float(0)].withBuffer { try WeightAverage(decay: 0.5, parameters: $0) }
    average.updateCount = 1000
    [Float(8)].withBuffer { average.update($0) }
    #expect(Array(average.values) == [4])
  }

  @Test func `the number of threads doesn't change a bit`() throws {
    let start = randomFloats(100_003, in: -1...1, seed: 3)
    let next = randomFloats(100_003, in: -1...1, seed: 4)
    let (one, three) = try withOneAndThreeThreads {
      let average = try start.withBuffer { try WeightAverage(decay: 0.9, parameters: $0) }
      for _ in 0..<3 { next.withBuffer { average.update($0) } }
      return Array(average.values)
    }
    #expect(one == three)
  }

  @Test func `an exchange is undone by a second one`() throws {
    let average = try [Float(1), 2].withBuffer { try WeightAverage(decay: 0.9, parameters: $0) }
    var parameters: [Float] = [3, 4]
    parameters.withMutableBuffer { average.exchange(with: $0) }
    #expect(parameters == [1, 2] && Array(average.values) == [3, 4])
    parameters.withMutableBuffer { average.exchange(with: $0) }
    #expect(parameters == [3, 4] && Array(average.values) == [1, 2])
  }

  @Test func `a decay of 1 is refused`() {
    #expect(
      throws: OptimizerError.setting(.averageDecay, expected: .fromZeroBelowOne, actual: 1)
    ) { try [Float(1)].withBuffer { _ = try WeightAverage(decay: 1, parameters: $0) } }
  }
}
