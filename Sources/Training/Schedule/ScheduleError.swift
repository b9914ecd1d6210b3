import TensorCore

/// Why a text is not a schedule or a warm-up.
package enum ScheduleError: Error, Sendable, Hashable {
  /// The name is not one of those of the option.
  case unknown(Option, text: String)
  /// The name takes another number of arguments.
  case argumentCount(Option, text: String, expected: ClosedRange<Int>)
  /// An argument is not what the name takes.
  case argument(Option, text: String, argument: String, expected: Requirement)

  package enum Option: String, Sendable, Hashable {
    case schedule
    case warmUp = "warm-up"

    /// Every form that the parser takes.
    package var forms: String {
      switch self {
      case .schedule:
        "constant, step:EPOCHS:FACTOR, exponential:FACTOR, cosine or cosine:FLOOR, "
          + "such as step:30:0.1"
      case .warmUp: "none, steps:N or epochs:X, such as steps:500"
      }
    }
  }

  package enum Requirement: String, Sendable, Hashable {
    case positiveInteger = "a positive integer"
    case factor = "a number above 0 and at most 1"
    case floor = "a number from 0 to 1"
    case positive = "a positive number"
  }
}

extension ScheduleError: CustomStringConvertible {
  /// One line that says what is allowed.
  package var description: String {
    switch self {
    case .unknown(let option, let text):
      "'\(text.singleLine)' is no \(option.rawValue); give \(option.forms)"
    case .argumentCount(let option, let text, let expected):
      "the \(option.rawValue) '\(text.singleLine)' takes \(Self.count(expected)); give "
        + option.forms
    case .argument(let option, let text, let argument, let expected):
      "'\(argument.singleLine)' in the \(option.rawValue) '\(text.singleLine)' is not "
        + "\(expected.rawValue); give \(option.forms)"
    }
  }

  private static func count(_ range: ClosedRange<Int>) -> String {
    let numbers =
      range.count == 1
      ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    return "\(numbers) argument\(range == 1...1 || range == 0...1 ? "" : "s")"
  }
}
