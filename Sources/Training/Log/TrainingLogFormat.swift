import TensorCore

/// How a log file writes its rows.
package enum TrainingLogFormat: Sendable, Hashable, CaseIterable {
  /// A line of column names, then a line for each row; what is missing is left empty.
  case csv
  /// A JSON object for each row; what is missing or not finite is null.
  case jsonLines

  static let columns = [
    "step", "epoch", "learning_rate", "loss", "penalty", "gradient_norm", "samples_per_second",
    "validation",
  ]

  /// The lines before the first row.
  var heading: String {
    switch self {
    case .csv: Self.columns.joined(separator: ",") + "\n"
    case .jsonLines: ""
    }
  }

  /// The text of a row, with its line feed.
  func line(_ record: TrainingRecord) -> String {
    switch self {
    case .csv:
      let fields = Self.numbers(record).map { $0.map { "\($0)" } ?? "" }
      return (["\(record.step)"] + fields).joined(separator: ",") + "\n"
    case .jsonLines:
      let members = zip(Self.columns.dropFirst(), Self.numbers(record)).map { name, value in
        JSONMember(name, value.map { .number($0) } ?? .null)
      }
      let row = JSONValue.object([JSONMember("step", JSONValue(record.step))] + members)
      return row.text() + "\n"
    }
  }

  /// Reads a line, without its line feed; gives `nil` where it is not a row.
  func record(_ line: Substring) -> TrainingRecord? {
    var step: Int?
    var numbers: [Double?] = []
    switch self {
    case .csv:
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count == Self.columns.count else { return nil }
      step = Int(fields[0])
      for field in fields.dropFirst() {
        let number = Double(field)
        guard number != nil || field.isEmpty else { return nil }
        numbers.append(number)
      }
    case .jsonLines:
      guard let row = try? JSONValue(parsing: line.utf8), row.objectValue != nil else {
        return nil
      }
      step = row["step"]?.integerValue.flatMap { Int(exactly: $0) }
      for name in Self.columns.dropFirst() {
        guard let value = row[name] else { return nil }
        numbers.append(value.doubleValue)
      }
    }
    guard let step else { return nil }
    // A required number that is missing was not finite.
    return TrainingRecord(
      step: step, epoch: numbers[0] ?? .nan, learningRate: numbers[1] ?? .nan,
      loss: numbers[2] ?? .nan, penalty: numbers[3] ?? .nan, gradientNorm: numbers[4],
      samplesPerSecond: numbers[5] ?? .nan, validation: numbers[6])
  }

  /// The values of the columns after the first.
  private static func numbers(_ record: TrainingRecord) -> [Double?] {
    [
      record.epoch, record.learningRate, record.loss, record.penalty, record.gradientNorm,
      record.samplesPerSecond, record.validation,
    ]
  }
}
