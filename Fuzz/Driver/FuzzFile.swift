#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Files for readers that take a path, in the folder of `TMPDIR`, which `scripts/fuzz` puts into memory.
package struct FuzzFile: Sendable {
  package let path: String

  package init(_ name: String) {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/dev/shm"
    path = "\(folder)/\(name)"
  }

  /// Replaces the file's content.
  package func write(_ bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { fatalError("cannot write \(path)") }
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        buffer.baseAddress.map { Glibc.write(descriptor, $0 + done, buffer.count - done) } ?? 0
      }
      guard count > 0 else { fatalError("cannot write \(path)") }
      done += count
    }
  }
}
