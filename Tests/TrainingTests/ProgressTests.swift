import Testing

@testable import Training

@Suite struct ProgressTests {
  @Test func `the best is the first of the largest or the least, never NaN`() {
    var higher = BestTracker(.higherIsBetter)
    let better = [.nan, 0.5, 0.7, 0.7, 0.6, .infinity].enumerated().map {
      higher.observe($1, epoch: $0)
    }
    #expect(better == [false, true, true, false, false, false])
    #expect(higher.best == 0.7 && higher.epoch == 2)
    var lower = BestTracker(.lowerIsBetter, best: 0.3, epoch: 4)
    #expect([(0.3, 5), (-1, 6)].map { lower.observe($0, epoch: $1) } == [false, true])
    #expect(lower.best == -1 && lower.epoch == 6)
  }

  @Test func `training stops once patience is used up`() {
    var stopping = EarlyStopping(patience: 2, .lowerIsBetter)
    let values = [3.0, 2, 2, 2.5, 1, .nan, 1, 1.5]
    let stops = values.map { stopping.observe($0) }
    #expect(stops == [false, false, false, false, false, false, false, true])
  }

  @Test func `an improvement within the margin is none`() {
    var stopping = EarlyStopping(patience: 0, .higherIsBetter, margin: 0.1)
    #expect([0.5, 0.65, 0.7].map { stopping.observe($0) } == [false, false, true])
  }

  @Test func `stopping goes on from what a checkpoint kept`() {
    var whole = EarlyStopping(patience: 2, .higherIsBetter)
    for value in [1.0, 2, 1] { _ = whole.observe(value) }
    var resumed = EarlyStopping(
      patience: 2, .higherIsBetter, reference: whole.reference, epochsWithout: whole.epochsWithout)
    #expect(resumed == whole)
    #expect([0, 0].map { resumed.observe($0) } == [false, true])
  }

  @Test func `smoothing weighs the first values fully and leaves NaN out`() {
    var smoothing = ExponentialSmoothing(kept: 0.5)
    #expect(smoothing.value == nil)
    // (0.25 * 4 + 0.5 * 1) / 0.75 = 2
    #expect([.nan, 4, 1, .infinity].map { smoothing.observe($0) } == [nil, 4, 2, 2])
  }
}
