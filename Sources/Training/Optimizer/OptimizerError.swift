/// Why an optimizer can't be made.
public enum OptimizerError: Error, Sendable, Hashable {
  /// A setting is outside its range.
  case setting(Setting, expected: Requirement, actual: Double)

  public enum Setting: String, Sendable, Hashable {
    case momentum
    case firstBeta = "beta 1"
    case secondBeta = "beta 2"
    case epsilon
    case weightDecay = "weight decay"
    case averageDecay = "decay of the weight average"
    case maximumNorm = "largest gradient norm"
  }

  public enum Requirement: String, Sendable, Hashable {
    case fromZeroBelowOne = "at least 0 and below 1"
    case positive = "a positive number"
    case notNegative = "0 or a positive number"

    /// Whether a value meets the requirement, also after rounding to single precision.
    func admits(_ value: Double) -> Bool {
      let rounded = Float(value)
      guard rounded.isFinite else { return false }
      return switch self {
      case .fromZeroBelowOne: value >= 0 && rounded < 1
      case .positive: rounded > 0
      case .notNegative: value >= 0
      }
    }
  }
}

extension OptimizerError: CustomStringConvertible {
  /// One line that names the setting and what it may be.
  public var description: String {
    switch self {
    case .setting(let setting, let expected, let actual):
      "the \(setting.rawValue) is \(actual); give \(expected.rawValue)"
    }
  }
}
