import Foundation

/// Programs of other people that tests compare with, where this machine has them.
package enum Peers {
  /// A Python with onnx, onnxruntime and qonnx: what `SNUG_TEST_PYTHON` names, or `.venv-peers/bin/python`
  /// in the checkout; `nil` where neither is there.
  package static let python: String? = {
    let candidates: [String?] = [
      ProcessInfo.processInfo.environment["SNUG_TEST_PYTHON"],
      Fixtures.repository.appending(path: ".venv-peers/bin/python").path,
    ]
    return candidates.compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// What a test that needs the peers says when it is skipped.
  package static let hint =
    "skipped: set SNUG_TEST_PYTHON to a Python with onnx, onnxruntime and qonnx"

  /// A Chromium or Chrome: what `SNUG_TEST_BROWSER` names, or one of the usual places; `nil` where there is none.
  package static let browser: String? = {
    let usual = ["chromium", "chromium-browser", "google-chrome"].map { "/usr/bin/\($0)" }
    let named = ProcessInfo.processInfo.environment["SNUG_TEST_BROWSER"].map { [$0] } ?? []
    return (named + usual).first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  package struct Output: Sendable {
    package let status: Int32
    package let output: String
    package let errors: String
  }

  /// Whether onnxruntime adds products of unsigned and signed bytes exactly on this processor. Below VNNI it adds pairs
  /// of them in a saturating register of 16 bits, so that results of its integer operators are others than the standard's.
  package static let sumsBytesExactly: Bool = {
    let program = """
      import numpy, onnx, onnxruntime
      from onnx import TensorProto, helper
      def value(name, kind, shape): return helper.make_tensor_value_info(name, kind, shape)
      graph = helper.make_graph(
          [helper.make_node("MatMulInteger", ["a", "b"], ["c"])], "g",
          [value("a", TensorProto.UINT8, [1, 64]), value("b", TensorProto.INT8, [64, 1])],
          [value("c", TensorProto.INT32, [1, 1])])
      model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
      session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
      feed = {"a": numpy.full((1, 64), 255, "uint8"), "b": numpy.full((64, 1), 127, "int8")}
      print(session.run(None, feed)[0].item() == 64 * 255 * 127)
      """
    return (try? runPython(program))?.output.hasPrefix("True") ?? false
  }()

  /// Runs a Python program given as text.
  ///
  /// - Throws: ``PeerError`` where there is no Python.
  package static func runPython(_ program: String, _ arguments: [String] = []) throws -> Output {
    try run(["-c", program] + arguments)
  }

  /// Runs a Python program that lies in a file.
  ///
  /// - Throws: ``PeerError`` where there is no Python.
  package static func runPython(file: URL, _ arguments: [String] = []) throws -> Output {
    try run([file.path] + arguments)
  }

  private static func run(_ arguments: [String]) throws -> Output {
    guard let python else { throw PeerError.noPython }
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = arguments
    let output = Pipe()
    // A full pipe would stop the program, so the errors go to a file and the output is read as it comes.
    let folder = try TemporaryFolder()
    let errors = folder.path("errors")
    _ = FileManager.default.createFile(atPath: errors, contents: nil)
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Output(
      status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: try String(contentsOfFile: errors, encoding: .utf8))
  }
}

package enum PeerError: Error { case noPython }
