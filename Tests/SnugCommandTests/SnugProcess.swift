import Foundation
import TestSupport
import Testing

/// One run of the built `snug`, as a shell would see it.
struct SnugProcess {
  let status: Int32
  let output: String
  let error: String

  /// The binary that was built beside this test bundle.
  static let executable = BuiltProgram.url("snug")

  private static let turns = DispatchSemaphore(value: 2)

  /// Runs `snug` to its end.
  ///
  /// - Parameter folder: the working directory.
  init(_ arguments: String..., in folder: URL? = nil) throws {
    try self.init(arguments, in: folder)
  }

  /// - Parameters:
  ///   - addressSpace: KiB that it may reserve, as `ulimit -v` says; `nil` for any number.
  ///   - environment: variables that are set besides those of this process.
  ///   - whileRunning: called with the process's id once it runs, such as to send it a signal. A process that a
  ///     signal ends then has that as its status, as shells count it: 128 and its number.
  init(
    _ arguments: [String], in folder: URL? = nil, addressSpace: Int? = nil,
    environment: [String: String] = [:], whileRunning: ((pid_t) -> Void)? = nil
  ) throws {
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments
    if let addressSpace {
      process.executableURL = URL(filePath: "/bin/sh")
      let script = "ulimit -v \(addressSpace) && exec \"$0\" \"$@\""
      process.arguments = ["-c", script, Self.executable.path] + arguments
    }
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // Files rather than pipes: a pipe that nobody empties would block the process.
    let scratch = try TemporaryFolder()
    let streams = ["out", "err"].map { scratch.url.appending(path: $0) }
    for stream in streams { try Data().write(to: stream) }
    process.standardOutput = try FileHandle(forWritingTo: streams[0])
    process.standardError = try FileHandle(forWritingTo: streams[1])
    process.standardInput = FileHandle.nullDevice
    // Each process takes all cores: more of them at once would only wait for each other.
    Self.turns.wait()
    defer { Self.turns.signal() }
    try process.run()
    whileRunning?(process.processIdentifier)
    process.waitUntilExit()
    let isKilled = process.terminationReason == .uncaughtSignal
    try #require(
      !isKilled || whileRunning != nil, "ended by signal \(process.terminationStatus)")
    status = isKilled ? 128 + process.terminationStatus : process.terminationStatus
    output = try String(contentsOf: streams[0], encoding: .utf8)
    error = try String(contentsOf: streams[1], encoding: .utf8)
  }

  /// Standard output as a JSON object.
  func json() throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
    return try #require(value as? [String: Any])
  }
}
