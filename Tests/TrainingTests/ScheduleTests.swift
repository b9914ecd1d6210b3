import Testing

@testable import Training

@Suite struct ScheduleTests {
  /// Factors at the first step of each of ten epochs of 100 steps.
  private func factors(_ text: String, warmUp: WarmUp = .none) throws -> [Double] {
    let schedule = try LearningRateSchedule(parsing: text)
    return (0..<10).map {
      schedule.factor(step: $0 * 100, stepsPerEpoch: 100, totalEpochs: 10, warmUp: warmUp)
    }
  }

  @Test func `constant stays`() throws {
    #expect(try factors("constant") == Array(repeating: 1, count: 10))
  }

  @Test func `step multiplies after every so many whole epochs`() throws {
    #expect(try factors("step:4:0.5") == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25])
    let schedule = try LearningRateSchedule(parsing: "step:4:0.5")
    #expect(schedule.factor(step: 399, stepsPerEpoch: 100, totalEpochs: 10) == 1)
  }

  @Test func `exponential multiplies after every epoch`() throws {
    let powers = try factors("exponential:0.5")
    #expect(powers == (0..<10).map { 1 / Double(1 << $0) })
  }

  @Test func `cosine falls from 1 through one half to its floor`() throws {
    let schedule = try LearningRateSchedule(parsing: "cosine:0.1")
    func factor(_ step: Int) -> Double {
      schedule.factor(step: step, stepsPerEpoch: 100, totalEpochs: 10)
    }
    #expect(factor(0) == 1)
    #expect(abs(factor(500) - 0.55) < 1e-12)
    // 0.1 + 0.9 * (1 + cos(pi / 4)) / 2
    #expect(abs(factor(250) - 0.868198051533946) < 1e-12)
    #expect(factor(1000) == 0.1 && factor(5000) == 0.1)
    for step in 1..<1000 { #expect(factor(step) < factor(step - 1)) }
  }

  @Test func `warm-up rises linearly to 1, and the cosine begins after it`() throws {
    let schedule = LearningRateSchedule.cosine()
    func factor(_ step: Int) -> Double {
      schedule.factor(step: step, stepsPerEpoch: 100, totalEpochs: 10, warmUp: .steps(200))
    }
    #expect(factor(0) == 1.0 / 200 && factor(99) == 0.5 && factor(199) == 1)
    #expect(factor(200) == 1 && abs(factor(600) - 0.5) < 1e-12)
    #expect(try factors("constant", warmUp: .epochs(1.5))[1] == 101.0 / 150)
    #expect(try factors("step:1:0.5", warmUp: .epochs(1.5))[2] == 0.25)
  }

  @Test func `a warm-up longer than the training, or no epochs, divides nothing by 0`() {
    let schedule = LearningRateSchedule.cosine()
    let long = WarmUp.steps(Int.max)
    #expect(schedule.factor(step: 9, stepsPerEpoch: 10, totalEpochs: 1, warmUp: long) > 0)
    #expect(schedule.factor(step: 0, stepsPerEpoch: 1, totalEpochs: 0) == 1)
    #expect(
      schedule.factor(
        step: .max, stepsPerEpoch: .max, totalEpochs: .max, warmUp: .epochs(1e300)
      ).isFinite)
  }

  @Test(arguments: [
    "constant", "step:30:0.1", "exponential:0.9", "cosine", "cosine:0.01", "step:1:1e-05",
  ])
  func `the text of a schedule reads back`(text: String) throws {
    #expect("\(try LearningRateSchedule(parsing: text))" == text)
  }

  @Test(arguments: ["none", "steps:500", "epochs:1.5"])
  func `the text of a warm-up reads back`(text: String) throws {
    #expect("\(try WarmUp(parsing: text))" == text)
  }

  @Test(arguments: [
    "", "Cosine", "cosine:", "cosine:2", "cosine:0:0", "step", "step:30", "step:0:0.1",
    "step:3.5:0.1", "step:30:nan", "step:30:-1", "step:30:0", "step:30:0.1:2", "exponential:",
    "exponential:inf", "constant:1", "linear", "step:99999999999999999999:0.1",
  ])
  func `anything else is refused with every form that is allowed`(text: String) {
    #expect {
      try LearningRateSchedule(parsing: text)
    } throws: { error in
      let description = "\(error)"
      return error is ScheduleError && description.contains("'\(text)'")
        && ["constant", "step:EPOCHS:FACTOR", "exponential:FACTOR", "cosine:FLOOR"]
          .allSatisfy(description.contains)
    }
  }

  @Test(arguments: ["500", "steps", "steps:0", "steps:1.5", "epochs:0", "epochs:inf", "none:1"])
  func `no other warm-up is taken`(text: String) {
    #expect(throws: ScheduleError.self) { try WarmUp(parsing: text) }
  }

  @Test func `messages name the fault`() {
    let error = ScheduleError.argument(
      .schedule, text: "step:x:1", argument: "x", expected: .positiveInteger)
    #expect(
      "\(error)"
        == "'x' in the schedule 'step:x:1' is not a positive integer; give constant, "
        + "step:EPOCHS:FACTOR, exponential:FACTOR, cosine or cosine:FLOOR, such as step:30:0.1")
  }
}
