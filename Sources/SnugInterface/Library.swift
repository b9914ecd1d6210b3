import CSnug
import Snug
import SnugCommand
import TensorCore

private let versionText = HeldText(Snug.version)

@c @implementation
public func snug_version() -> UnsafePointer<CChar>? { versionText.pointer }

@c @implementation
public func snug_free(_ memory: UnsafeMutableRawPointer?) { free(memory) }

@c @implementation
public func snug_set_threads(_ count: Int32) {
  Parallelism.threadCount = max(Int(count), 1)
}

@c @implementation
public func snug_settings(_ job: UnsafePointer<CChar>?) -> UnsafeMutablePointer<CChar>? {
  String(given: job).flatMap { JobOptions.Job(rawValue: $0) }
    .map { JobOptions.settings(of: $0).text().copied }
}

@c @implementation
public func snug_doctor() -> UnsafeMutablePointer<CChar>? { Doctor().json.text().copied }

@c @implementation
public func snug_main(
  _ count: Int32, _ words: UnsafePointer<UnsafePointer<CChar>?>?
) -> Int32 {
  let all = (0..<Int(count)).compactMap { String(given: words?[$0]) }
  CommandLineProgram.run(Array(all.dropFirst()))
}
