import Testing

@testable import Reporting

@Suite struct CostTests {
  /// What `lut_estimation` of finn-plus 1.6.1's `MVAU_hls` gives for PE = SIMD = 1, resType = lut, and weights and
  /// thresholds in distributed memory, for layers of converted models.
  @Test(arguments: [
    (16, 9, 8, 8, 18, 4, 1043), (16, 144, 4, 4, 10, 4, 820), (16, 9, 4, 4, 10, 4, 688),
    (32, 16, 4, 4, 10, 8, 5988), (64, 576, 4, 4, 14, 4, 3116), (512, 256, 4, 4, 14, 4, 10621),
    (512, 512, 4, 4, 14, 8, 52077), (64, 75, 8, 8, 21, 4, 1721), (32, 576, 4, 4, 14, 8, 9356),
  ])
  func `the estimate of LUTs is FINN's`(
    rows: Int, columns: Int, weight: Int, input: Int, accumulator: Int, output: Int, luts: Int
  ) {
    let unit = MatrixVectorUnit(
      rows: rows, columns: columns, weightBits: weight, inputBits: input,
      accumulatorBits: accumulator, outputBits: output)
    #expect(unit.luts == luts)
  }

  @Test func `a unit without thresholds is its products, its adder and its weights`() {
    let unit = MatrixVectorUnit(
      rows: 10, columns: 32, weightBits: 8, inputBits: 8, accumulatorBits: 19, outputBits: nil)
    #expect(unit.luts == 466)
  }

  @Test func `costs of a model are the sums of its layers', and unknown where one is`() throws {
    let report = try SnapshotTests.inspection(SampleModels.certified)
    let layers = report.result.layers
    let counts = Dictionary(uniqueKeysWithValues: layers.map { ($0.layer.output, 12) })
    let cost = ModelCost(layers, outputCounts: counts)
    let expected = try layers.map { verdict -> Int in
      let products = 12 * (try #require(verdict.layer.dotLength))
      let (weight, input) = (try #require(verdict.layer.weight), try #require(verdict.layer.input))
      return products * (weight.bits * input.bits + (try #require(verdict.targetBits)))
    }
    #expect(cost.total(\.bitOperations) == expected.reduce(0, +))
    #expect(ModelCost(layers, outputCounts: [:]).total(\.products) == nil)
  }
}
