/// The text of a schedule or warm-up, split into a name and arguments at its colons.
struct ScheduleText {
  let option: ScheduleError.Option
  let text: String
  let name: String
  let arguments: [String]

  init(_ text: String, option: ScheduleError.Option) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    self.option = option
    self.text = text
    name = parts.first ?? ""
    arguments = Array(parts.dropFirst())
  }

  var unknown: ScheduleError { .unknown(option, text: text) }

  func expect(_ count: ClosedRange<Int>) throws(ScheduleError) {
    guard count.contains(arguments.count) else {
      throw .argumentCount(option, text: text, expected: count)
    }
  }

  func positiveInteger(_ index: Int) throws(ScheduleError) -> Int {
    guard let value = Int(arguments[index]), value > 0 else {
      throw invalid(index, .positiveInteger)
    }
    return value
  }

  func number(_ index: Int, _ requirement: ScheduleError.Requirement) throws(ScheduleError)
    -> Double
  {
    guard let value = Double(arguments[index]), value.isFinite else {
      throw invalid(index, requirement)
    }
    let holds =
      switch requirement {
      case .factor: value > 0 && value <= 1
      case .floor: value >= 0 && value <= 1
      case .positive, .positiveInteger: value > 0
      }
    guard holds else { throw invalid(index, requirement) }
    return value
  }

  private func invalid(_ index: Int, _ expected: ScheduleError.Requirement) -> ScheduleError {
    .argument(option, text: text, argument: arguments[index], expected: expected)
  }
}

extension LearningRateSchedule: CustomStringConvertible {
  /// Reads the text of `--schedule`.
  ///
  /// - Throws: ``ScheduleError``, whose description lists what is allowed.
  package init(parsing text: String) throws(ScheduleError) {
    let parts = ScheduleText(text, option: .schedule)
    switch parts.name {
    case "constant":
      try parts.expect(0...0)
      self = .constant
    case "step":
      try parts.expect(2...2)
      self = .step(epochs: try parts.positiveInteger(0), factor: try parts.number(1, .factor))
    case "exponential":
      try parts.expect(1...1)
      self = .exponential(factor: try parts.number(0, .factor))
    case "cosine":
      try parts.expect(0...1)
      self = .cosine(floor: parts.arguments.isEmpty ? 0 : try parts.number(0, .floor))
    default: throw parts.unknown
    }
  }

  /// The text that reads back as this schedule.
  public var description: String {
    switch self {
    case .constant: "constant"
    case .step(let epochs, let factor): "step:\(epochs):\(factor)"
    case .exponential(let factor): "exponential:\(factor)"
    case .cosine(let floor): floor == 0 ? "cosine" : "cosine:\(floor)"
    }
  }
}

extension WarmUp: CustomStringConvertible {
  /// Reads the text of a warm-up option.
  ///
  /// - Throws: ``ScheduleError``, whose description lists what is allowed.
  package init(parsing text: String) throws(ScheduleError) {
    let parts = ScheduleText(text, option: .warmUp)
    switch parts.name {
    case "none":
      try parts.expect(0...0)
      self = .none
    case "steps":
      try parts.expect(1...1)
      self = .steps(try parts.positiveInteger(0))
    case "epochs":
      try parts.expect(1...1)
      self = .epochs(try parts.number(0, .positive))
    default: throw parts.unknown
    }
  }

  /// The text that reads back as this warm-up.
  public var description: String {
    switch self {
    case .none: "none"
    case .steps(let steps): "steps:\(steps)"
    case .epochs(let epochs): "epochs:\(epochs)"
    }
  }
}
