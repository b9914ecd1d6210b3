import TensorCore
import Testing

@testable import Datasets

@Suite struct MetricsTests {
  @Test func `equal scores go to the lower class, NaN to none`() throws {
    let scores = Tensor([1, 3, 3, 0, 3, 1, .nan, 2, 2, 2, .nan, .nan] as [Float], shape: [3, 4])
    #expect(try Metrics.topMatches(scores, labels: [1, 0, 0], k: 1) == 3)
    #expect(try Metrics.topMatches(scores, labels: [2, 3, 2], k: 1) == 0)
    #expect(try Metrics.topMatches(scores, labels: [2, 3, 1], k: 2) == 3)
  }

  @Test func `outputs that don't fit the labels are refused`() {
    let scores = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    #expect(throws: DatasetError.self) { try Metrics.topMatches(scores, labels: [0], k: 1) }
    #expect(throws: DatasetError.self) { try Metrics.topMatches(scores, labels: [0, 2], k: 1) }
    #expect(throws: DatasetError.self) { try Metrics.topMatches(scores, labels: [], k: 1) }
    #expect(throws: DatasetError.self) {
      try Metrics.meanSquaredError(scores, targets: Tensor([1, 2] as [Float], shape: [2]))
    }
  }

  @Test func `cross-entropy of equal scores is the logarithm of the number of classes`() throws {
    let scores = Tensor([Float](repeating: 1000, count: 8), shape: [2, 4])
    #expect(abs(try Metrics.crossEntropy(scores, labels: [0, 3]) - 1.3862943611198906) < 1e-12)
  }

  @Test func `the signal-to-noise ratio is that of each image, clamped`() throws {
    let outputs = Tensor([0.5, 0.5, 1.7, -0.3] as [Float], shape: [2, 2])
    let targets = Tensor([0.6, 0.4, 1, 0] as [Float], shape: [2, 2])
    let values = try Metrics.peakSignalToNoise(outputs, targets: targets)
    #expect(abs(values[0] - 20) < 1e-4)
    #expect(values[1] == 100)
  }

  @Test func `the squared error takes a column for a vector`() throws {
    let outputs = Tensor([1, 5] as [Float], shape: [2, 1])
    let errors = try Metrics.meanSquaredError(
      outputs, targets: Tensor([3, 5] as [Float], shape: [2]))
    #expect(errors == [4, 0])
  }
}
