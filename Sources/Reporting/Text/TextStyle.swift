import TensorCore

/// How text for people is laid out.
public struct TextStyle: Sendable, Hashable {
  /// The number of columns of the terminal; `nil` for text without a limit.
  public var width: Int?
  /// Whether characters beyond ASCII can be shown.
  public var isUnicode: Bool

  public init(width: Int? = nil, isUnicode: Bool = true) {
    self.width = width
    self.isUnicode = isUnicode
  }

  var yes: String { isUnicode ? "✓" : "yes" }
  var no: String { isUnicode ? "✗" : "no" }
  var none: String { isUnicode ? "–" : "-" }
  var times: String { isUnicode ? "×" : "x" }
  var ellipsis: String { isUnicode ? "…" : "..." }
  var rule: Character { isUnicode ? "─" : "-" }

  /// Breaks text at spaces into lines of at most ``width`` columns; the first is indented by `first`, later ones by
  /// `rest`. A word that is longer than a line, such as a name that an exporter composed, is shortened.
  func wrap(_ text: String, first: Int = 0, rest: Int = 0) -> String {
    var line = String(repeating: " ", count: first)
    guard let width else { return line + text.printable }
    var lines: [String] = []
    var isStart = true
    for word in text.printable.split(separator: " ") {
      let word = shortened(String(word), to: max(width - max(first, rest), 1))
      if !isStart, line.count + 1 + word.count > width {
        lines.append(line)
        line = String(repeating: " ", count: rest)
        isStart = true
      }
      line += isStart ? word : " \(word)"
      isStart = false
    }
    return (lines + [line]).joined(separator: "\n")
  }

  /// The characters of a name that sentences quote, more than names that people give have.
  private static let quotedLength = 80

  /// A sentence with each word that is longer than names are shortened: exporters compose names of hundreds of characters.
  /// JSON has them whole.
  package func quoting(_ text: String) -> String {
    text.split(separator: " ", omittingEmptySubsequences: false)
      .map { shortened(String($0), to: Self.quotedLength) }.joined(separator: " ")
  }

  /// `text` in at most `width` columns; where it is longer, its middle is left out.
  func shortened(_ text: String, to width: Int) -> String {
    guard text.count > width else { return text }
    let room = max(width - ellipsis.count, 0)
    return text.prefix((room + 1) / 2) + ellipsis + text.suffix(room / 2)
  }
}
