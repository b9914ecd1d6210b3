import TensorCore

/// Bounds on the memory that data may take.
enum MemoryLimit {
  /// The memory of the machine in bytes, or that of the container where it is less.
  static let available: Int = {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let size = sysconf(Int32(_SC_PAGESIZE))
    return min(pages > 0 && size > 0 ? pages * size : 1 << 33, container ?? .max)
  }()

  /// The largest number of bytes that a file may make this process allocate at once.
  static let bytes = available / 2

  static func check(_ count: Int, path: String) throws(DatasetError) {
    guard count <= bytes else { throw .tooLarge(path: path, bytes: count, limit: bytes) }
  }

  /// The memory limit of this process's control group in bytes; `nil` where it has none.
  private static var container: Int? {
    guard let stream = fopen("/sys/fs/cgroup/memory.max", "re") else { return nil }
    defer { fclose(stream) }
    var text = [CChar](repeating: 0, count: 32)
    guard fgets(&text, Int32(text.count), stream) != nil else { return nil }
    // "max" means no limit.
    let digits = text.prefix { $0 >= 48 && $0 <= 57 }.map { UInt8(bitPattern: $0) }
    return Int(String(decoding: digits, as: UTF8.self))
  }
}

/// Bounds on the size of decompressed data.
enum InflationLimit {
  /// The size in bytes up to which content is inflated when a file is opened, so that damage shows at once.
  static let eager = 64 << 20
  /// The size in bytes up to which content is accepted, however small its compressed form is.
  static let free = 256 << 20
  /// The largest number of bytes for each compressed one beyond that. Deflate reaches 1032; images and measurements
  /// stay below 10.
  static let ratio = 200

  /// Checks a claimed size, before anything is inflated.
  static func check(_ count: Int, from compressed: Int, path: String) throws(DatasetError) {
    let (most, overflow) = compressed.multipliedReportingOverflow(by: ratio)
    let limit = max(free, overflow ? .max : most)
    guard count <= limit else {
      throw .inflation(path: path, bytes: count, compressed: compressed, limit: limit)
    }
  }
}
