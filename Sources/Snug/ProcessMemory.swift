import TensorCore

/// What the operating system counts for this process.
enum ProcessMemory {
  /// The largest resident set so far, in bytes.
  static var peakBytes: Int {
    // Linux hands the maximum of getrusage on across exec, so that a large parent would show here.
    if let status = try? InputFile(path: "/proc/self/status").readAll(),
      let line = status.split(separator: UInt8(ascii: "\n"))
        .first(where: { $0.starts(with: "VmHWM:".utf8) }),
      let kibibytes = Int(
        String(decoding: line.filter { (0x30...0x39).contains($0) }, as: UTF8.self))
    {
      return kibibytes * 1024
    }
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Int(usage.ru_maxrss) * 1024
  }
}
