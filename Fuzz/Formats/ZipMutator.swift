import CZlib
import FuzzDriver

/// Changes a zip file and puts the checksums of its entries right again, also of deflated ones.
struct ZipMutator: FuzzMutator {
  /// Content beyond this isn't inflated to be summed.
  private static let contentLimit = 1 << 16

  func mutate(_ input: [UInt8], limit: Int, random: inout FuzzRandom) -> [UInt8] {
    var bytes = Fuzzer.plainMutation(input, limit: limit)
    if random.oneIn(10) { return bytes }
    for at in bytes.indices where bytes[at...].starts(with: [0x50, 0x4B, 1, 2]) {
      repair(&bytes, entry: at)
    }
    return bytes
  }

  /// - Parameter entry: where an entry of the central directory begins.
  private func repair(_ bytes: inout [UInt8], entry: Int) {
    guard entry + 46 <= bytes.count else { return }
    let header = number(bytes, entry + 42, 4)
    let size = number(bytes, entry + 20, 4)
    guard header + 30 <= bytes.count else { return }
    let start = header + 30 + number(bytes, header + 26, 2) + number(bytes, header + 28, 2)
    guard start <= bytes.count, size <= bytes.count - start else { return }
    var content = bytes[start..<start + size]
    if number(bytes, entry + 10, 2) == 8 {
      guard let inflated = inflate(content) else { return }
      content = inflated[...]
      for byte in 0..<4 {
        bytes[entry + 24 + byte] = UInt8(truncatingIfNeeded: content.count >> (8 * byte))
      }
    }
    let checksum = Checksums.crc32(content)
    for byte in 0..<4 {
      bytes[entry + 16 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * byte))
    }
  }

  private func number(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Int {
    bytes[at..<at + count].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private func inflate(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else {
      return nil
    }
    defer { inflateEnd(&stream) }
    var input = Array(bytes)
    var output = [UInt8](repeating: 0, count: Self.contentLimit)
    let status = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        return CZlib.inflate(&stream, Z_FINISH)
      }
    }
    return status == Z_STREAM_END ? Array(output.prefix(Int(stream.total_out))) : nil
  }
}
