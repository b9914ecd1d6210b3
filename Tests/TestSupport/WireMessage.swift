/// A protobuf message written field by field, right or wrong, for tests of readers.
package struct WireMessage: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init(_ build: (inout WireMessage) -> Void = { _ in }) { build(&self) }

  package mutating func varint(_ field: Int, _ value: UInt64) {
    bytes += Self.varint(UInt64(field) << 3) + Self.varint(value)
  }

  package mutating func int(_ field: Int, _ value: Int) {
    varint(field, UInt64(bitPattern: Int64(value)))
  }

  package mutating func bytes(_ field: Int, _ content: [UInt8]) {
    bytes += Self.varint(UInt64(field) << 3 | 2) + Self.varint(UInt64(content.count)) + content
  }

  package mutating func string(_ field: Int, _ text: String) { bytes(field, Array(text.utf8)) }

  package mutating func message(_ field: Int, _ content: WireMessage) {
    bytes(field, content.bytes)
  }

  package mutating func message(_ field: Int, _ build: (inout WireMessage) -> Void) {
    bytes(field, WireMessage(build).bytes)
  }

  package mutating func float(_ field: Int, _ value: Float) {
    bytes += Self.varint(UInt64(field) << 3 | 5)
    bytes += (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
  }

  /// Bytes as they are, without a field key.
  package mutating func raw(_ content: [UInt8]) { bytes += content }

  package static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  /// A varint list of a packed field.
  package static func packed(_ values: [Int]) -> [UInt8] {
    values.flatMap { varint(UInt64(bitPattern: Int64($0))) }
  }
}
