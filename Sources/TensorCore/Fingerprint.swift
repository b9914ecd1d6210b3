/// A hash that tells contents apart: FNV-1a in 64 bits (draft-eastlake-fnv), which gives no protection against
/// forgery.
package struct Fingerprint: Sendable, Hashable, CustomStringConvertible {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  /// The fingerprint of a JSON document with its members in their order.
  package init(_ value: JSONValue) { combine(value.encoded()) }

  package mutating func combine(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  /// Takes in a text and a separator, which keeps it apart from what follows.
  package mutating func combine(_ text: String) {
    combine(text.utf8)
    combine(CollectionOfOne(0))
  }

  /// Sixteen hexadecimal digits.
  package var description: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
