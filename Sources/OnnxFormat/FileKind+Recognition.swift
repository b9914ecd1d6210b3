extension FileKind {
  /// Recognizes the kind of a file that is not ONNX by its first bytes; gives `nil` where they may be those of a
  /// model.
  init?(head: [UInt8]) {
    func starts(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
    if starts([0x50, 0x4B, 3, 4]) {
      self = .zip
    } else if starts([0x1F, 0x8B]) {
      self = .gzip
    } else if starts([0x89, 0x48, 0x44, 0x46]) {
      self = .hdf5
    } else if head.dropFirst(4).starts(with: Array("TFL3".utf8)) {
      self = .tensorFlowLite
    } else if starts([0x93] + Array("NUMPY".utf8)) {
      self = .numpy
    } else if starts([0x89, 0x50, 0x4E, 0x47]) || starts([0xFF, 0xD8, 0xFF]) {
      self = .image
    } else if Self.isText(head) {
      self = .text
    } else {
      return nil
    }
  }

  /// Whether the bytes are UTF-8 without control characters; a model begins with one, the key of `ir_version`.
  private static func isText(_ head: [UInt8]) -> Bool {
    let isPlain = head.allSatisfy { byte in
      byte >= 0x20 && byte != 0x7F || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
    // The last character may be cut off.
    return isPlain
      && (0...3).contains { String(validating: head.dropLast($0), as: UTF8.self) != nil }
  }
}
