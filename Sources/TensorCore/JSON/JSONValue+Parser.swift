/// Why bytes are not a JSON document, and where.
public struct JSONError: Error, Sendable, Hashable {
  public enum Reason: Sendable, Hashable {
    case unexpectedEnd
    case unexpectedByte(UInt8)
    case invalidEscape
    case invalidUTF8
    case numberOutOfRange
    case tooDeep(limit: Int)
    case trailingBytes
  }

  public var reason: Reason
  /// The number of bytes before the fault.
  public var offset: Int
}

extension JSONError: CustomStringConvertible {
  public var description: String {
    let what =
      switch reason {
      case .unexpectedEnd: "the text ends early"
      case .unexpectedByte(let byte): "unexpected byte 0x\(String(byte, radix: 16))"
      case .invalidEscape: "invalid escape in a string"
      case .invalidUTF8: "a string is not UTF-8"
      case .numberOutOfRange: "a number is out of range"
      case .tooDeep(let limit): "nested deeper than \(limit) levels"
      case .trailingBytes: "more text after the document"
      }
    return "\(what) at byte \(offset)"
  }
}

extension JSONValue {
  /// Reads one document (RFC 8259), which takes all of `bytes`.
  ///
  /// - Parameter depthLimit: the greatest depth of arrays and objects inside each other, so that hostile text can't
  ///   exhaust the stack.
  /// - Throws: ``JSONError`` where the bytes are anything else.
  public init(parsing bytes: some Sequence<UInt8>, depthLimit: Int = 64) throws(JSONError) {
    var parser = JSONParser(bytes: Array(bytes), depthLimit: depthLimit)
    self = try parser.document()
  }

  /// Reads one document from text.
  ///
  /// - Throws: ``JSONError`` where the text is anything else.
  public init(parsing text: String, depthLimit: Int = 64) throws(JSONError) {
    try self.init(parsing: text.utf8, depthLimit: depthLimit)
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  let depthLimit: Int
  var position = 0

  init(bytes: [UInt8], depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  mutating func document() throws(JSONError) -> JSONValue {
    let result = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw error(.trailingBytes) }
    return result
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    skipSpace()
    let start = try peek()
    switch start {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try keyword("true", .bool(true))
    case UInt8(ascii: "f"): return try keyword("false", .bool(false))
    case UInt8(ascii: "n"): return try keyword("null", .null)
    default: return try number()
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    var members: [JSONMember] = []
    try enter(depth)
    while try !close(UInt8(ascii: "}"), after: members.count) {
      skipSpace()
      let key = try string()
      skipSpace()
      try expect(UInt8(ascii: ":"))
      members.append(JSONMember(key, try value(depth: depth + 1)))
    }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
    var elements: [JSONValue] = []
    try enter(depth)
    while try !close(UInt8(ascii: "]"), after: elements.count) {
      elements.append(try value(depth: depth + 1))
    }
    return .array(elements)
  }

  /// Moves past the opening bracket.
  private mutating func enter(_ depth: Int) throws(JSONError) {
    guard depth < depthLimit else { throw error(.tooDeep(limit: depthLimit)) }
    position += 1
  }

  /// Moves past the closing bracket and returns true, or past the comma that must precede another element.
  private mutating func close(_ bracket: UInt8, after count: Int) throws(JSONError) -> Bool {
    skipSpace()
    if try peek() == bracket {
      position += 1
      return true
    }
    if count > 0 { try expect(UInt8(ascii: ",")) }
    return false
  }

  private mutating func string() throws(JSONError) -> String {
    try expect(UInt8(ascii: "\""))
    var content: [UInt8] = []
    while true {
      let byte = try peek()
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else {
          throw error(.invalidUTF8)
        }
        position += 1
        return text
      case UInt8(ascii: "\\"): try escape(into: &content)
      case 0..<0x20: throw error(.unexpectedByte(byte))
      default:
        content.append(byte)
        position += 1
      }
    }
  }

  private mutating func escape(into content: inout [UInt8]) throws(JSONError) {
    position += 1
    let byte = try peek()
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code) {
        try expect(UInt8(ascii: "\\"))
        try expect(UInt8(ascii: "u"))
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw error(.invalidEscape) }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error(.invalidEscape) }
      content.append(contentsOf: Character(scalar).utf8)
    default: throw error(.invalidEscape)
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw error(.unexpectedEnd) }
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw error(.invalidEscape)
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    skip(UInt8(ascii: "-"))
    let whole = try digits()
    // RFC 8259 forbids leading zeros: a digit after the first zero is left for the caller to refuse.
    if bytes[whole.lowerBound] == UInt8(ascii: "0") { position = whole.lowerBound + 1 }
    var isInteger = true
    if skip(UInt8(ascii: ".")) {
      isInteger = false
      _ = try digits()
    }
    if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
      isInteger = false
      if !skip(UInt8(ascii: "+")) { skip(UInt8(ascii: "-")) }
      _ = try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int64(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw JSONError(reason: .numberOutOfRange, offset: start)
    }
    return .number(value)
  }

  private mutating func digits() throws(JSONError) -> Range<Int> {
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    if position == start { throw error(.unexpectedByte(try peek())) }
    return start..<position
  }

  private mutating func keyword(_ text: StaticString, _ value: JSONValue) throws(JSONError)
    -> JSONValue
  {
    for index in 0..<text.utf8CodeUnitCount { try expect(text.utf8Start[index]) }
    return value
  }

  private mutating func expect(_ byte: UInt8) throws(JSONError) {
    let found = try peek()
    guard found == byte else { throw error(.unexpectedByte(found)) }
    position += 1
  }

  @discardableResult private mutating func skip(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private func peek() throws(JSONError) -> UInt8 {
    guard position < bytes.count else { throw error(.unexpectedEnd) }
    return bytes[position]
  }

  private func error(_ reason: JSONError.Reason) -> JSONError {
    JSONError(reason: reason, offset: position)
  }
}
