#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A regular file mapped for reading, so that its bytes cost memory only when they are looked at.
///
/// The file must not be shortened while it is mapped; replacing it by a rename is safe.
public final class MappedFile: Sendable {
  nonisolated(unsafe) public let bytes: UnsafeRawBufferPointer

  /// - Throws: ``FileError``, with `EINVAL` where the path names no regular file.
  public init(path: String) throws(FileError) {
    // A pipe would block here until somebody writes to it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(.read, path, code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(.read, path, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw FileError(.read, path, code: EINVAL) }
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED
    else { throw FileError(.read, path, code: errno) }
    bytes = UnsafeRawBufferPointer(start: base, count: size)
  }

  /// Takes a part of ``bytes`` out of memory; it is read from the file again when it is next looked at.
  public func discard(_ part: UnsafeRawBufferPointer) {
    guard let base = part.baseAddress else { return }
    let start = UInt(bitPattern: base) & ~UInt(getpagesize() - 1)
    let end = UInt(bitPattern: base) + UInt(part.count)
    madvise(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), MADV_DONTNEED)
  }

  deinit {
    if let base = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
    }
  }
}
