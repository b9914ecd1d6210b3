/// Changes fields of a serialized protobuf message, at any depth, and keeps all lengths right.
///
/// The schema isn't known: what can be parsed as fields counts as a message.
package struct ProtobufMutator: FuzzMutator {
  /// Words that strings are replaced by.
  package var words: [String]

  package init(words: [String]) { self.words = words }

  struct Field {
    var number: UInt64
    var wireType: UInt64
    /// The value of a varint.
    var value: UInt64 = 0
    /// What stands behind the key, and the length where there is one.
    var content: ArraySlice<UInt8> = []
  }

  package func mutate(_ input: [UInt8], limit: Int, random: inout FuzzRandom) -> [UInt8] {
    // Now and then the wire format itself is what changes.
    if random.oneIn(12) { return Fuzzer.plainMutation(input, limit: limit) }
    var bytes = input
    for _ in 0...random.below(3) {
      guard let fields = Self.parse(bytes[...]), !fields.isEmpty else {
        return Fuzzer.plainMutation(bytes, limit: limit)
      }
      bytes = change(fields, whole: bytes, depth: 0, limit: limit, random: &random)
    }
    return bytes
  }

  /// One change somewhere in a message, whose new bytes are returned.
  private func change(
    _ fields: [Field], whole: [UInt8], depth: Int, limit: Int, random: inout FuzzRandom
  ) -> [UInt8] {
    var fields = fields
    let index = random.below(fields.count)
    if fields[index].wireType == 2, !random.oneIn(4), depth < 40,
      let inner = Self.parse(fields[index].content), !inner.isEmpty
    {
      fields[index].content =
        change(inner, whole: whole, depth: depth + 1, limit: limit, random: &random)[...]
      return Self.encode(fields)
    }
    switch random.below(10) {
    case 0: fields.remove(at: index)
    case 1: fields.insert(fields[index], at: random.below(fields.count + 1))
    case 2: fields.swapAt(index, random.below(fields.count))
    case 3: fields[index].number = fields[index].number &+ UInt64(1 + random.below(3))
    case 4:
      // The same content under a neighbour's number.
      fields[index].number = fields[random.below(fields.count)].number
    case 5: fields.insert(foreign(whole, &random), at: random.below(fields.count + 1))
    case 6:
      let times = 1 << random.below(6)
      fields.insert(contentsOf: repeatElement(fields[index], count: times), at: index)
    default: changeValue(&fields[index], siblings: fields, limit: limit, &random)
    }
    return Self.encode(fields)
  }

  private func changeValue(
    _ field: inout Field, siblings: [Field], limit: Int, _ random: inout FuzzRandom
  ) {
    switch field.wireType {
    case 0: field.value = Self.number(near: field.value, &random)
    case 2:
      switch random.below(5) {
      case 0:
        if let word = words.randomElement(using: &random) { field.content = Array(word.utf8)[...] }
      case 1:
        let strings = siblings.filter { $0.wireType == 2 }
        if let other = strings.randomElement(using: &random) { field.content = other.content }
      case 2: field.content = field.content.prefix(random.below(field.content.count + 1))
      case 3:
        // A packed list of numbers.
        field.content =
          (0..<random.below(6)).flatMap { _ in Self.varint(Self.number(near: 3, &random)) }[...]
      default:
        field.content = Fuzzer.plainMutation(Array(field.content), limit: min(limit, 512))[...]
      }
    default:
      let special: [UInt64] = [
        0, 1, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x8000_0000, 0x7F7F_FFFF,
      ]
      let value = random.oneIn(2) ? special[random.below(special.count)] : random.next()
      field.content =
        (0..<field.content.count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0 % 8))) }[
          ...]
    }
  }

  /// A field of any part of the whole input.
  private func foreign(_ whole: [UInt8], _ random: inout FuzzRandom) -> Field {
    var content = whole[...]
    var found = Field(number: 1, wireType: 0)
    for _ in 0..<1 + random.below(6) {
      guard let fields = Self.parse(content), let field = fields.randomElement(using: &random)
      else { break }
      found = field
      content = field.content
      if field.wireType != 2 { break }
    }
    return found
  }

  private static func number(near value: UInt64, _ random: inout FuzzRandom) -> UInt64 {
    switch random.below(6) {
    case 0: return value &+ 1
    case 1: return value &- 1
    case 2: return UInt64(random.below(40))
    case 3: return 1 << UInt64(random.below(64))
    case 4:
      return [UInt64.max, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 31) - 1, 1 << 32, 0][
        random.below(7)]
    default: return random.next() >> UInt64(random.below(64))
    }
  }

  // MARK: The wire format

  static func parse(_ bytes: ArraySlice<UInt8>) -> [Field]? {
    var fields: [Field] = []
    var at = bytes.startIndex
    while at < bytes.endIndex {
      guard let key = varint(bytes, &at), key >> 3 > 0, key >> 3 < 1 << 29, fields.count < 1 << 16
      else { return nil }
      var field = Field(number: key >> 3, wireType: key & 7)
      let count: Int
      switch field.wireType {
      case 0:
        guard let value = varint(bytes, &at) else { return nil }
        field.value = value
        count = 0
      case 1: count = 8
      case 5: count = 4
      case 2:
        guard let length = varint(bytes, &at), length <= UInt64(bytes.count) else { return nil }
        count = Int(length)
      default: return nil
      }
      guard count <= bytes.endIndex - at else { return nil }
      field.content = bytes[at..<at + count]
      at += count
      fields.append(field)
    }
    return fields
  }

  private static func varint(_ bytes: ArraySlice<UInt8>, _ at: inout Int) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard at < bytes.endIndex else { return nil }
      let byte = bytes[at]
      at += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    return nil
  }

  static func encode(_ fields: [Field]) -> [UInt8] {
    var bytes: [UInt8] = []
    for field in fields {
      bytes += varint(field.number << 3 | field.wireType)
      if field.wireType == 0 { bytes += varint(field.value) }
      if field.wireType == 2 { bytes += varint(UInt64(field.content.count)) }
      bytes += field.content
    }
    return bytes
  }

  static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
