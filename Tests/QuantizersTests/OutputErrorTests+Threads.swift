import AccumulatorBounds
import TensorCore
import Testing

@testable import Quantizers

extension OutputErrorTests {
  @Test(arguments: roundings)
  func `integers and scales don't depend on the number of threads`(
    rounding: OutputErrorQuantizer.Rounding
  ) throws {
    var generator = SplitMix(seed: 31)
    let (channels, length, rows) = (40, 150, 400)
    let layer = WeightLayer(
      channels: channels, length: length, bits: 4, budget: try makeBudget(0...15, bits: 12))
    let weights = (0..<channels * length).map { _ in generator.normal() }
    let samples = (0..<rows * length).map { _ in max(0, generator.normal()) }
    func run() throws -> ([Float], [Int8]) {
      var moments = InputMoments(length: length)
      moments.add(quantized: samples, float: samples, rows: rows, stride: length)
      let result = try OutputErrorQuantizer(
        layer, rounding: rounding, searchesScale: true, ignoresMean: true
      ).quantize(weights, from: try Self.start(layer, weights), moments: [moments])
      return (result.scales, result.codes)
    }
    let alone = try Parallelism.$threadCountOfTask.withValue(1, operation: run)
    for threads in [2, 3] {
      let several = try Parallelism.$threadCountOfTask.withValue(threads, operation: run)
      #expect(several == alone, "\(threads) threads")
    }
  }
}
