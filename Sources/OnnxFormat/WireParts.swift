import TensorCore

/// A serialized message in pieces, so that tensor data is written to a file from its own memory.
struct WireParts {
  enum Part {
    case bytes([UInt8])
    case storage(TensorStorage)
  }

  private(set) var parts: [Part] = []
  /// The number of all bytes.
  private(set) var count = 0

  init() {}

  init(_ bytes: [UInt8]) { append(bytes) }

  mutating func append(_ bytes: [UInt8]) {
    if bytes.isEmpty { return }
    count += bytes.count
    if case .bytes(var last)? = parts.last {
      parts.removeLast()
      last += bytes
      parts.append(.bytes(last))
    } else {
      parts.append(.bytes(bytes))
    }
  }

  mutating func append(_ storage: TensorStorage) {
    count += storage.byteCount
    parts.append(.storage(storage))
  }

  /// Appends a field that holds a message or bytes.
  mutating func append(field: UInt64, _ content: WireParts) {
    append(Self.varint(field << 3 | 2) + Self.varint(UInt64(content.count)))
    for part in content.parts {
      switch part {
      case .bytes(let bytes): append(bytes)
      case .storage(let storage): append(storage)
      }
    }
  }

  /// Appends a field that holds the bytes of a tensor.
  mutating func append(field: UInt64, _ storage: TensorStorage) {
    append(Self.varint(field << 3 | 2) + Self.varint(UInt64(storage.byteCount)))
    append(storage)
  }

  /// All bytes in one array.
  func joined() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    for part in parts {
      switch part {
      case .bytes(let piece): bytes += piece
      case .storage(let storage): storage.withBytes { bytes += $0 }
      }
    }
    return bytes
  }

  func write(to file: inout AtomicFile) throws(FileError) {
    for part in parts {
      switch part {
      case .bytes(let bytes): try file.write(bytes)
      case .storage(let storage): try file.write(storage)
      }
    }
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
    return bytes
  }
}
