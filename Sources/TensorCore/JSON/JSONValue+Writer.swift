extension JSONValue {
  /// The document as UTF-8 text, with members in their order and without NaN or infinity; the same bytes each time.
  ///
  /// - Parameter indentation: the number of spaces for each level; `nil` writes everything on one line without
  ///   spaces.
  public func encoded(indentation: Int? = nil) -> [UInt8] {
    var writer = JSONWriter(indentation: indentation)
    writer.write(self, level: 0)
    return writer.bytes
  }

  /// The document as a string, with the content of ``encoded(indentation:)``.
  public func text(indentation: Int? = nil) -> String {
    String(decoding: encoded(indentation: indentation), as: UTF8.self)
  }
}

private struct JSONWriter {
  let indentation: Int?
  var bytes: [UInt8] = []

  init(indentation: Int?) { self.indentation = indentation }

  mutating func write(_ value: JSONValue, level: Int) {
    switch value {
    case .null: append("null")
    case .bool(let flag): append(flag ? "true" : "false")
    case .integer(let number): append(number.description)
    case .number(let number): append(number.isFinite ? number.description : "null")
    case .string(let text): write(text)
    case .array(let elements):
      writeList(elements, between: ("[", "]"), level: level) { writer, element in
        writer.write(element, level: level + 1)
      }
    case .object(let members):
      writeList(members, between: ("{", "}"), level: level) { writer, member in
        writer.write(member.key)
        writer.append(writer.indentation == nil ? ":" : ": ")
        writer.write(member.value, level: level + 1)
      }
    }
  }

  private mutating func writeList<Element>(
    _ elements: [Element], between brackets: (String, String), level: Int,
    _ body: (inout JSONWriter, Element) -> Void
  ) {
    append(brackets.0)
    for (index, element) in elements.enumerated() {
      if index > 0 { append(",") }
      startLine(level: level + 1)
      body(&self, element)
    }
    if !elements.isEmpty { startLine(level: level) }
    append(brackets.1)
  }

  private mutating func startLine(level: Int) {
    guard let indentation else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation * level))
  }

  private mutating func write(_ text: String) {
    append("\"")
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case 0x0A: append("\\n")
      case 0x0D: append("\\r")
      case 0x09: append("\\t")
      case 0..<0x20:
        append(byte < 0x10 ? "\\u000" : "\\u00")
        append(String(byte, radix: 16))
      default: bytes.append(byte)
      }
    }
    append("\"")
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
