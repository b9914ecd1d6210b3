import CKernels
import DNNEngine
import Quantizers
import TensorCore

/// What this build can compute with on this machine, for those who ask why it is slow or fails.
public struct Doctor: Sendable {
  /// One thing that was looked at.
  public struct Finding: Sendable, Hashable {
    /// The key of the JSON document.
    public var key: String
    public var title: String
    public var value: String
    /// What the user may want to change; `nil` where all is well.
    public var advice: String?
  }

  public let findings: [Finding]

  public init() {
    findings = [
      Finding(key: "version", title: "Snug", value: version),
      Self.kernels, Self.engine, Self.convolution, Self.integers, Self.algebra, Self.threads,
      Self.memory, Self.temporary,
    ]
  }

  /// Whether nothing calls for advice.
  public var isWell: Bool { findings.allSatisfy { $0.advice == nil } }

  /// The document of `snug doctor --json`.
  public var json: JSONValue {
    .object(
      findings.map { JSONMember($0.key, .string($0.value)) } + [
        JSONMember(
          "advice",
          .array(findings.compactMap(\.advice).map { .string($0) }))
      ])
  }

  // MARK: What is looked at

  private static var kernels: Finding {
    let level = String(cString: snug_kernel_level())
    return Finding(
      key: "instructions", title: "own kernels for", value: level,
      advice: level == "default"
        ? "this CPU has no AVX2: all jobs work, and take several times as long" : nil)
  }

  private static var engine: Finding {
    Finding(key: "onednn", title: "oneDNN", value: Engine.version)
  }

  private static var convolution: Finding {
    let name = (try? Engine.shared().convolutionKernel) ?? "none"
    return Finding(
      key: "convolution_kernel", title: "convolutions by", value: name,
      advice: name.hasPrefix("ref") || name == "none"
        ? "oneDNN has no fast convolution for this CPU" : nil)
  }

  private static var integers: Finding {
    let adds = (try? Engine.shared().addsIntegersExactly) ?? false
    return Finding(
      key: "integer_products", title: "products of 8-bit integers",
      value: adds ? "by instructions of the CPU" : "in single precision, exactly, but slower")
  }

  private static var algebra: Finding {
    Finding(
      key: "openblas", title: "OpenBLAS",
      value: "\(LinearAlgebra.build), kernels \(LinearAlgebra.kernels)")
  }

  private static var threads: Finding {
    let (cores, used) = (Int(snug_available_cores()), Parallelism.threadCount)
    return Finding(
      key: "threads", title: "threads", value: "\(used) of \(cores) cores",
      advice: used < cores
        ? "the limits of this process (ulimit -v, ulimit -u), or --threads, allow fewer threads than there are cores"
        : nil)
  }

  private static var memory: Finding {
    let bytes = Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
    let gibibytes = (bytes / 0x1p30 * 10).rounded() / 10
    return Finding(
      key: "memory_gib", title: "memory", value: "\(gibibytes) GiB",
      advice: gibibytes < 1 ? "less than 1 GiB: large models won't fit" : nil)
  }

  private static var temporary: Finding {
    let path = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let isWritable = access(path, W_OK) == 0
    return Finding(
      key: "temporary_folder", title: "temporary files in", value: path,
      advice: isWritable
        ? nil : "\(path) can't be written to: models and samples in memory need it; set TMPDIR")
  }
}
