import Snug
import Testing

@testable import SnugCommand

@Suite struct ProgressBarTests {
  private let start = ContinuousClock.now
  private let quarter = JobProgress(
    activity: "calibrating", completed: 256, total: 1024, unit: "samples")

  @Test func `nothing is shown within the first second`() {
    var bar = ProgressBar(activity: "calibrating", start: start)
    #expect(bar.line(for: quarter, at: start + .milliseconds(900), columns: 100) == nil)
  }

  @Test func `a bar shows share, count, rate and remaining time`() {
    var bar = ProgressBar(activity: "calibrating", start: start)
    #expect(
      bar.line(for: quarter, at: start + .seconds(2), columns: 100)
        == "calibrating [######------------------] 256/1024 samples, 128/s, 6 s left")
  }

  @Test func `a bar is redrawn ten times a second at most`() {
    var bar = ProgressBar(activity: "calibrating", start: start)
    #expect(bar.line(for: quarter, at: start + .seconds(2), columns: 100) != nil)
    #expect(bar.line(for: quarter, at: start + .milliseconds(2050), columns: 100) == nil)
    #expect(bar.line(for: quarter, at: start + .milliseconds(2100), columns: 100) != nil)
  }

  @Test func `a bar fits a narrow terminal`() {
    var bar = ProgressBar(activity: "calibrating", start: start)
    #expect(bar.line(for: quarter, at: start + .seconds(2), columns: 20)?.count == 19)
  }

  @Test func `counts beyond the total don't overflow the bar`() {
    var bar = ProgressBar(activity: "x", start: start)
    let progress = JobProgress(activity: "x", completed: 7, total: 0, unit: "steps")
    #expect(
      bar.line(for: progress, at: start + .seconds(2), columns: 100)
        == "x [########################] 1/1 steps, 0.5/s, 0 s left")
  }

  @Test(arguments: [
    (0.0, 2, "0.00"), (1.005, 1, "1.0"), (-2.25, 1, "-2.3"), (-0.001, 2, "0.00"),
    (99.995, 0, "100"), (1234.5678, 3, "1234.568"), (.infinity, 1, "inf"),
  ])
  func `numbers are written without a locale`(value: Double, digits: Int, expected: String) {
    #expect(value.formatted(digits: digits) == expected)
  }
}
