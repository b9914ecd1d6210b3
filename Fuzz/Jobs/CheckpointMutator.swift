import CZlib
import FuzzDriver

/// Changes a training state, and puts the length of its header and its checksum right again.
struct CheckpointMutator: FuzzMutator {
  func mutate(_ input: [UInt8], limit: Int, random: inout FuzzRandom) -> [UInt8] {
    guard input.count >= 20, !random.oneIn(10) else {
      return Fuzzer.plainMutation(input, limit: limit)
    }
    let length = min(Int(input[8]) | Int(input[9]) << 8, input.count - 20)
    let prefix = Array(input[..<8])
    var header = Array(input[16..<16 + length])
    var arrays = Array(input[(16 + length)..<(input.count - 4)])
    if random.oneIn(4) {
      arrays = Fuzzer.plainMutation(arrays, limit: limit / 2)
    } else {
      header = Fuzzer.plainMutation(header, limit: limit / 2)
    }
    if header.count >= 1 << 16 { header.removeLast(header.count - 1 << 16 + 1) }
    let count = UInt64(header.count)
    var bytes = prefix + (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * UInt64($0))) }
    bytes += header + arrays
    let checksum = bytes.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
    return bytes + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
  }
}
