import CZlib
import FuzzDriver

/// Changes a PNG file and puts the checksums of its chunks right again.
struct PNGMutator: FuzzMutator {
  func mutate(_ input: [UInt8], limit: Int, random: inout FuzzRandom) -> [UInt8] {
    var bytes = Fuzzer.plainMutation(input, limit: limit)
    if random.oneIn(10) { return bytes }
    var at = 8
    while at + 12 <= bytes.count {
      let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - at - 12 else { break }
      let end = at + 8 + length
      let checksum = Checksums.crc32(bytes[at + 4..<end])
      for byte in 0..<4 {
        bytes[end + byte] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * byte))
      }
      at = end + 4
    }
    return bytes
  }
}

enum Checksums {
  static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBufferPointer {
      UInt32(truncatingIfNeeded: CZlib.crc32(0, $0.baseAddress, UInt32($0.count)))
    }
  }
}
