/// Why a loss can't be computed.
public enum LossError: Error, Sendable, Hashable {
  /// A buffer doesn't hold as many elements as the others require.
  case count(Buffer, expected: Int, actual: Int)
  /// A batch without samples, or outputs without elements, has no mean.
  case empty
  /// A label is not one of the classes.
  case label(row: Int, label: Int, classes: Int)
  /// A setting of the loss is out of range.
  case setting(Setting, actual: Double)

  public enum Buffer: String, Sendable, Hashable {
    case outputs, targets, gradient
    case teacher = "outputs of the teacher"
  }

  public enum Setting: Sendable, Hashable {
    case labelSmoothing, temperature
  }
}

extension LossError: CustomStringConvertible {
  /// One line that says what to do.
  public var description: String {
    switch self {
    case .count(let buffer, let expected, let actual):
      "the \(buffer.rawValue): \(actual) elements where \(expected) are needed; check that the data "
        + "fits the model's output"
    case .empty: "the batch holds no elements; give data with at least one sample"
    case .label(let row, let label, let classes):
      "sample \(row) of the batch has label \(label), outside 0..<\(classes), the model's classes; "
        + "check the labels"
    case .setting(.labelSmoothing, let actual):
      "the label smoothing is \(actual); give at least 0 and below 1"
    case .setting(.temperature, let actual):
      "the temperature is \(actual); give a positive number"
    }
  }
}
