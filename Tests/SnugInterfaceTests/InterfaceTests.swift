import Foundation
import TestSupport
import Testing

/// The C interface, by programs in C that are compiled and run against the library that was built beside these tests.
@Suite struct InterfaceTests {
  let folder: TemporaryFolder
  static let library = BuiltProgram.url("libSnugInterface.so")
  static let root = Fixtures.repository
  static let sources = root.appending(path: "Tests/SnugInterfaceTests/C")
  static let header = root.appending(path: "Sources/CSnug/snug.h")

  init() throws { folder = try TemporaryFolder() }

  /// Compiles a program against the header and the built library.
  private func compile(_ source: URL, _ flags: [String] = []) throws -> URL {
    let program = folder.url.appending(path: source.deletingPathExtension().lastPathComponent)
    let libraries = Self.library.deletingLastPathComponent().path
    let result = try run(
      "/usr/bin/env",
      ["clang", "-std=c11", "-Wall", "-Wextra", "-Werror", "-g"] + flags + [
        "-I\(Self.header.deletingLastPathComponent().path)", source.path, "-o", program.path,
        Self.library.path, "-Wl,-rpath,\(libraries)", "-lpthread",
      ])
    try #require(result.status == 0, "\(result.output)")
    return program
  }

  private func run(_ program: String, _ arguments: [String], environment: [String: String] = [:])
    throws -> (status: Int32, output: String)
  {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let log = folder.url.appending(path: "log-\(UUID().uuidString)")
    try Data().write(to: log)
    let handle = try FileHandle(forWritingTo: log)
    (process.standardOutput, process.standardError) = (handle, handle)
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationReason == .exit, "ended by signal \(process.terminationStatus)")
    return (process.terminationStatus, try String(contentsOf: log, encoding: .utf8))
  }

  @Test(arguments: [[], ["-fsanitize=address"]])
  func `a program in C finds every promise of the header kept`(flags: [String]) throws {
    let program = try compile(Self.sources.appending(path: "checks.c"), flags)
    let files = try TemporaryFolder()
    let result = try run(
      program.path, [Fixtures.path("digits"), files.url.path],
      environment: ["ASAN_OPTIONS": "detect_leaks=1"])
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("all hold"))
    #expect(!result.output.contains("BROKEN"))
  }

  @Test func `a handle and a text that are forgotten are found by the sanitizer`() throws {
    let program = try compile(
      Self.sources.appending(path: "leak.c"), ["-fsanitize=address"])
    let result = try run(
      program.path, [Fixtures.path("digits/model.onnx")],
      environment: ["ASAN_OPTIONS": "detect_leaks=1"])
    #expect(result.status != 0)
    #expect(result.output.contains("leaked"))
  }

  @Test func `the example in C converts, proves and runs the digits`() throws {
    let program = try compile(Self.root.appending(path: "examples/c/convert.c"))
    let output = folder.path("digits.onnx")
    let result = try run(
      program.path, [Fixtures.path("digits/model.onnx"), output, "1", "8", "8"])
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("{\"certified\":true"))
    #expect(FileManager.default.fileExists(atPath: output))
  }

  @Test func `the header declares what the library exports, and nothing else`() throws {
    let header = try String(contentsOf: Self.header, encoding: .utf8)
    let declared = Set(
      header.matches(of: /\b(snug_[a-z_]+)\(/).map { String($0.1) }.filter {
        $0 != "snug_batch_source"
      })
    let map = try String(
      contentsOf: Self.root.appending(path: "packaging/libsnug.map"), encoding: .utf8)
    let exported = Set(map.matches(of: /\b(snug_[a-z_]+);/).map { String($0.1) })
    #expect(declared == exported)
    let symbols = try run("/usr/bin/env", ["nm", "-D", "--defined-only", Self.library.path]).output
    let defined = Set(symbols.matches(of: /\bT (snug_[a-z_]+)/).map { String($0.1) })
    #expect(declared.isSubset(of: defined))
  }

  @Test func `the header is one of C++ too`() throws {
    let source = folder.url.appending(path: "header.cpp")
    try Data("#include <snug.h>\nint main() { return snug_version() == nullptr; }\n".utf8)
      .write(to: source)
    let result = try run(
      "/usr/bin/env",
      [
        "clang++", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
        "-I\(Self.header.deletingLastPathComponent().path)", source.path,
      ])
    #expect(result.status == 0, "\(result.output)")
  }
}
