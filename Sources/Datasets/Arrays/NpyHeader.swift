import TensorCore

/// The header of NumPy's array format, versions 1 to 3 (numpy/lib/format.py).
struct NpyHeader: Hashable, Sendable {
  var elementType: ElementType
  var isBigEndian: Bool
  var isFortranOrder: Bool
  var shape: [Int]
  /// The offset of the elements in bytes.
  var dataOffset: Int

  static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

  /// Reads the header of `source`, and checks that exactly its elements follow.
  ///
  /// - Parameter path: the array's name in errors.
  init(_ source: ByteSource, path: String) throws(DatasetError) {
    let start = try source.storage(0..<min(12, source.count))
    guard source.count >= 10 else {
      throw .truncated(path: path, needed: 10, available: source.count)
    }
    guard start.withBytes({ $0.starts(with: Self.magic) }) else {
      throw Self.malformed(path, "magic", "\\x93NUMPY", "something else")
    }
    let version = start.withBytes { $0[6] }
    guard (1...3).contains(version) else {
      throw .unsupported(path: path, format: .npy, feature: "format version \(version)")
    }
    let reader = ByteReader(start, path: path)
    let prefix = version == 1 ? 10 : 12
    let length = version == 1 ? try reader.uint16(8) : try reader.uint32(8)
    guard length <= 1 << 20 else {
      throw Self.malformed(path, "header length", "at most 1048576", "\(length)")
    }
    guard prefix + length <= source.count else {
      throw .truncated(path: path, needed: prefix + length, available: source.count)
    }
    let text = try source.storage(prefix..<prefix + length)
    var parser = HeaderParser(text.withBytes { Array($0) }, path: path)
    try parser.parse()

    guard let descr = parser.descr else { throw Self.malformed(path, "header", "'descr'", "none") }
    guard let order = parser.fortranOrder else {
      throw Self.malformed(path, "header", "'fortran_order'", "none")
    }
    guard let shape = parser.shape else { throw Self.malformed(path, "header", "'shape'", "none") }
    (elementType, isBigEndian) = try Self.type(descr, path: path)
    isFortranOrder = order
    self.shape = shape
    dataOffset = prefix + length
    guard let count = Shape.elementCount(shape),
      let byteCount = elementType.byteCount(elements: count)
    else { throw Self.malformed(path, "shape", "a size that fits in memory", "\(shape)") }
    let available = source.count - dataOffset
    guard byteCount <= available else {
      throw .truncated(
        path: path, needed: dataOffset.addingReportingOverflow(byteCount).partialValue,
        available: source.count)
    }
    guard byteCount == available else {
      throw Self.malformed(path, "data", "\(byteCount) bytes", "\(available) bytes")
    }
  }

  init(elementType: ElementType, shape: [Int]) {
    self.elementType = elementType
    self.shape = shape
    isBigEndian = false
    isFortranOrder = false
    dataOffset = 0
  }

  /// The header's bytes in version 1 (or 2 where it is long), padded so that the data is 64-byte aligned.
  ///
  /// - Parameter least: the number of bytes that the header takes at least.
  /// - Precondition: the element type has a NumPy counterpart.
  func encoded(least: Int = 0) -> [UInt8] {
    guard let code = Self.codes.first(where: { $0.value == elementType })?.key else {
      preconditionFailure("\(elementType) has no NumPy type")
    }
    let order = elementType.bitWidth == 8 ? "|" : "<"
    let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = Array(
      "{'descr': '\(order)\(code)', 'fortran_order': False, 'shape': (\(dimensions)), }".utf8)
    let isLong = text.count + 64 > 0xFFFF
    let prefix = isLong ? 12 : 10
    while (prefix + text.count + 1) % 64 != 0 || prefix + text.count + 1 < least {
      text.append(0x20)
    }
    text.append(0x0A)
    var header = Self.magic + [isLong ? 2 : 1, 0]
    for byte in 0..<(isLong ? 4 : 2) { header.append(UInt8(text.count >> (8 * byte) & 0xFF)) }
    return header + text
  }

  private static let codes: [String: ElementType] = [
    "b1": .bool, "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64, "i1": .int8,
    "i2": .int16, "i4": .int32, "i8": .int64, "f2": .float16, "f4": .float32, "f8": .float64,
  ]

  static func hasCounterpart(_ type: ElementType) -> Bool { codes.values.contains(type) }

  private static func type(
    _ descr: String, path: String
  ) throws(DatasetError) -> (ElementType, Bool) {
    let order = descr.first
    if let order, "<>|=".contains(order), let type = codes[String(descr.dropFirst())] {
      return (type, order == ">")
    }
    if descr.contains("O") {
      throw .unsupported(path: path, format: .npy, feature: "Python objects (type '\(descr)')")
    }
    throw .unsupported(path: path, format: .npy, feature: "element type '\(descr)'")
  }

  private static func malformed(
    _ path: String, _ field: String, _ expected: String, _ actual: String
  ) -> DatasetError {
    .malformed(path: path, format: .npy, field: field, expected: expected, actual: actual)
  }
}

/// The Python dictionary literal of a header, which holds three known keys.
private struct HeaderParser {
  var descr: String?
  var fortranOrder: Bool?
  var shape: [Int]?
  private let text: [UInt8]
  private var at = 0
  private let path: String

  init(_ text: [UInt8], path: String) {
    self.text = text
    self.path = path
  }

  mutating func parse() throws(DatasetError) {
    try expect("{")
    while peek() != UInt8(ascii: "}") {
      let key = try string()
      try expect(":")
      switch key {
      case "descr":
        guard let next = peek(), next != UInt8(ascii: "[") else {
          throw .unsupported(path: path, format: .npy, feature: "records of several fields")
        }
        descr = try string()
      case "fortran_order": fortranOrder = try boolean()
      case "shape": shape = try tuple()
      default: throw malformed("a key 'descr', 'fortran_order' or 'shape'")
      }
      if peek() == UInt8(ascii: ",") { at += 1 } else { break }
    }
    try expect("}")
  }

  private mutating func peek() -> UInt8? {
    while at < text.count, text[at] == 0x20 || text[at] == 0x0A { at += 1 }
    return at < text.count ? text[at] : nil
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(DatasetError) {
    guard peek() == UInt8(ascii: character) else { throw malformed("'\(character)'") }
    at += 1
  }

  private mutating func string() throws(DatasetError) -> String {
    guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
      let end = text[(at + 1)...].firstIndex(of: quote)
    else { throw malformed("a quoted string") }
    defer { at = end + 1 }
    return String(decoding: text[at + 1..<end], as: UTF8.self)
  }

  private mutating func boolean() throws(DatasetError) -> Bool {
    _ = peek()
    for (word, value) in [("True", true), ("False", false)]
    where text[at...].starts(with: Array(word.utf8)) {
      at += word.utf8.count
      return value
    }
    throw malformed("True or False")
  }

  private mutating func tuple() throws(DatasetError) -> [Int] {
    try expect("(")
    var values: [Int] = []
    while let next = peek(), next != UInt8(ascii: ")") {
      let digits = text[at...].prefix { (0x30...0x39).contains($0) }
      guard let value = Int(String(decoding: digits, as: UTF8.self)), values.count < 64 else {
        throw malformed("at most 64 dimensions, each a whole number")
      }
      values.append(value)
      at += digits.count
      if peek() == UInt8(ascii: ",") { at += 1 } else { break }
    }
    try expect(")")
    return values
  }

  private func malformed(_ expected: String) -> DatasetError {
    .malformed(
      path: path, format: .npy, field: "header at byte \(at)", expected: expected,
      actual: at < text.count ? "byte \(text[at])" : "the end")
  }
}
