import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Training

/// Trainings that are stopped and go on.
@Suite struct ResumeTests {
  /// Everything that may be in a state: optimizer, average, best parameters, early stopping.
  static func full() throws -> ToyTraining {
    var toy = try ToyTraining()
    toy.keepsCheckpoints = true
    toy.validates = true
    toy.settings.weightAverage = 0.9
    toy.settings.patience = 2
    toy.settings.gradientClipping = 5
    return toy
  }

  private func expectSame(
    _ toy: ToyTraining, _ outcome: ToyTraining.Outcome, as whole: ToyTraining,
    _ expected: ToyTraining.Outcome, _ comment: Comment
  ) throws {
    #expect(outcome.constants == expected.constants, comment)
    #expect(try toy.rows() == whole.rows(), comment)
    #expect(
      try Data(contentsOf: URL(filePath: toy.state))
        == Data(contentsOf: URL(filePath: whole.state)),
      comment)
    #expect(outcome.summary.steps == expected.summary.steps, comment)
    #expect(outcome.summary.finalLoss == expected.summary.finalLoss, comment)
    #expect(outcome.summary.bestMetric == expected.summary.bestMetric, comment)
  }

  @Test func `stopped after any step and resumed, everything ends as undisturbed`() throws {
    let whole = try Self.full()
    let expected = try whole.run()
    for step in 1...12 {
      let toy = try Self.full()
      try toy.runInterrupted(after: step)
      try expectSame(toy, try toy.run(), as: whole, expected, "\(step)")
    }
  }

  @Test func `a run that goes on with another number of threads says so`() throws {
    let toy = try Self.full()
    try Parallelism.$threadCountOfTask.withValue(1) { try toy.runInterrupted(after: 2) }
    let expected: [Int: TrainingNotice?] = [
      1: nil, 3: .otherThreadCount(path: toy.state, saved: 1, given: 3),
    ]
    for (threads, expected) in expected {
      let notice = try Parallelism.$threadCountOfTask.withValue(threads) {
        try toy.trainer().notice
      }
      #expect(notice == expected)
    }
  }

  @Test func `stopped after every single step, everything ends as undisturbed`() throws {
    let whole = try Self.full()
    let expected = try whole.run()
    let toy = try Self.full()
    for step in 1...12 { try toy.runInterrupted(after: step) }
    try expectSame(toy, try toy.run(), as: whole, expected, "every step")
  }

  @Test func `a plain run without validation resumes too`() throws {
    func plain() throws -> ToyTraining {
      var toy = try ToyTraining()
      toy.keepsCheckpoints = true
      toy.settings.optimizer = OptimizerSettings(.sgd)
      return toy
    }
    let whole = try plain()
    let expected = try whole.run()
    for step in [2, 4, 7] {
      let toy = try plain()
      try toy.runInterrupted(after: step)
      try expectSame(toy, try toy.run(), as: whole, expected, "\(step)")
    }
  }

  @Test func `ended in the middle of validation, it goes on from the state before`() throws {
    struct Ended: Error {}
    let whole = try Self.full()
    let expected = try whole.run()
    for epoch in 1...3 {
      let toy = try Self.full()
      var killed = toy
      var count = 0
      killed.onValidation = { metric in
        count += 1
        if count == epoch { throw Ended() }
        return metric
      }
      #expect {
        _ = try killed.run()
      } throws: { error in
        guard case TrainingError.validation(let cause) = error else { return false }
        return cause is Ended
      }
      try expectSame(toy, try toy.run(), as: whole, expected, "epoch \(epoch)")
    }
  }

  @Test func `a run that is done takes no step more and gives the same`() throws {
    let toy = try Self.full()
    let first = try toy.run()
    var again = toy
    again.onStep = { _, _ in Issue.record("a step of a finished training") }
    let second = try again.run()
    #expect(first.constants == second.constants)
    #expect(second.summary.steps == 12 && second.summary.medianStepSeconds == 0)
  }

  @Test func `a run that stopped early stays stopped when resumed`() throws {
    var toy = try Self.full()
    toy.settings.epochs = 8
    toy.settings.patience = 0
    toy.onValidation = { _ in 0.25 }
    let first = try toy.run()
    #expect(first.summary.epochs == 2)
    let second = try toy.run()
    #expect(second.summary.epochs == 2 && first.constants == second.constants)
  }

  @Test func `the curves of a resumed run have the rows before it, though one log is gone`() throws
  {
    let whole = try Self.full()
    _ = try whole.run()
    let toy = try Self.full()
    try toy.runInterrupted(after: 9)
    try FileManager.default.removeItem(atPath: toy.folder.path("log.jsonl"))
    _ = try toy.run()
    let plots = try [whole, toy].map {
      try String(contentsOfFile: $0.folder.path("plot.svg"), encoding: .utf8)
    }
    #expect(plots[0] == plots[1])
  }

  @Test func `without a folder for states an interruption says how to be able to resume`() throws {
    var toy = try ToyTraining()
    toy.onStep = { if $0.step == 5 { $1.request() } }
    #expect {
      _ = try toy.run()
    } throws: { error in
      guard case TrainingError.interrupted(5, resumable: false) = error else { return false }
      return "\(error)" == "interrupted after step 5; give --checkpoint-dir to be able to resume"
    }
  }

  @Test func `a run with other options is refused with the option's name`() throws {
    var toy = try Self.full()
    try toy.runInterrupted(after: 5)
    let before = try Data(contentsOf: URL(filePath: toy.state))
    let log = try Data(contentsOf: URL(filePath: toy.csv))
    toy.settings.learningRate = 0.5
    #expect {
      _ = try toy.run()
    } throws: { error in
      "\(error)".contains("is of another run: 'learning-rate' was 0.01, now 0.5;")
    }
    #expect(try Data(contentsOf: URL(filePath: toy.state)) == before)
    #expect(try Data(contentsOf: URL(filePath: toy.csv)) == log)
  }
}
