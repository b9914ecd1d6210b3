import Foundation
import OnnxFormat
import TensorCore
import TestSupport
import Testing

/// Every way to fail ends in its exit status and in one line that says where, what, and what to do.
@Suite struct ErrorMessageTests {
  let files: SampleFiles

  init() throws { files = try SampleFiles() }

  /// A command line in a folder that `prepare` has filled, its status, and its line on standard error.
  struct Case: CustomTestStringConvertible, Sendable {
    let arguments: [String]
    let status: Int32
    let line: String

    init(_ arguments: String, _ status: Int32, _ line: String) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.status = status
      self.line = line
    }

    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let unusable: [Case] = [
    Case(
      "inspect none.onnx", 2,
      "error: cannot read 'none.onnx': No such file or directory; check the path"),
    Case("inspect folder", 2, "error: cannot read 'folder': Is a directory; name a file"),
    Case("inspect empty.onnx", 2, "error: empty.onnx: the file is empty; write the model again"),
    Case("inspect text.onnx", 2, "error: text.onnx: this is a text file, not an ONNX model"),
    Case(
      "inspect model.onnx --html none/report.html", 3,
      "error: cannot write 'none/report.html': No such file or directory; create the folder, or name another"
    ),
    Case(
      "inspect model.onnx --html folder", 3,
      "error: cannot write 'folder': Is a directory; name a file"),
    Case(
      "run model.onnx --output-dir out", 2,
      "error: model.onnx: input 'x': no tensor is given for it; the model takes 'x'"),
    Case(
      "run model.onnx --input y=x.pb --output-dir out", 2,
      "error: model.onnx: input 'y': the model has no such input; the model takes 'x'"),
    Case(
      "run model.onnx --input x=none.npy --output-dir out", 2,
      "error: cannot read 'none.npy': No such file or directory; check the path"),
    Case(
      "run model.onnx --input x=integers.pb --output-dir out", 2,
      "error: model.onnx: input 'x': expected float[Nx2], found int32[1x2]; convert the input"),
    Case(
      "run model.onnx --input x=wide.pb --output-dir out", 2,
      "error: model.onnx: node 'fc' (MatMul): inner dimension of B: expected 3, found 2; give inputs of the shapes that the model was made for, or export it again"
    ),
    Case(
      "run model.onnx --input x=x.pb --output-dir text.onnx", 3,
      "error: cannot write 'text.onnx': Not a directory; check the path"),
    Case(
      "evaluate model.onnx --data none", 2,
      "error: cannot read 'none': No such file or directory; check the path"),
    Case(
      "evaluate model.onnx --data x.pb", 2,
      "error: x.pb: has no labels, which this needs; give class folders of images, or an .npz with 'x' and 'y'"
    ),
    Case("verify text.onnx", 2, "error: text.onnx: this is a text file, not an ONNX model"),
  ]

  @Test(arguments: unusable)
  func `an unusable input is one line and its status`(_ test: Case) throws {
    _ = try files.text("", to: "empty.onnx")
    _ = try files.text("a plain text\n", to: "text.onnx")
    _ = try files.quantized("model.onnx")
    for (name, tensor) in [
      ("x.pb", Tensor([1, 2] as [Float], shape: [1, 2])),
      ("wide.pb", Tensor([1, 2, 3] as [Float], shape: [1, 3])),
      ("integers.pb", Tensor([1, 2] as [Int32], shape: [1, 2])),
    ] {
      try TensorFile.write(tensor, to: files.folder.path(name))
    }
    try FileManager.default.createDirectory(
      atPath: files.folder.path("folder"), withIntermediateDirectories: true)
    let before = try files.folder.contents()
    let run = try SnugProcess(test.arguments, in: files.folder.url)
    #expect(run.status == test.status)
    #expect(run.error == test.line + "\n")
    #expect(run.output.isEmpty)
    #expect(try files.folder.contents() == before)
  }

  @Test(arguments: [
    ("", 0), ("frobnicate", 64), ("inspect", 64), ("inspect a b", 64),
    ("verify a --acumulator-bits 3", 64),
    ("verify a --accumulator-bits x", 64), ("verify a --accumulator-bits 0", 64),
    ("verify a --accumulator-bits 65", 64), ("inspect a --quiet --verbose", 64),
    ("run a", 64), ("run a --input x --output-dir o", 64), ("run a --input =f --output-dir o", 64),
    ("run a --input x=f --input x=g --output-dir o", 64), ("evaluate a", 64),
    ("evaluate a --data d --limit 0", 64), ("evaluate a --data d --batch-size 0", 64),
    ("evaluate a --data d --mean 1,x", 64), ("evaluate a --data d --std 1,0", 64),
    ("evaluate a --data d --input-scale nan", 64), ("evaluate a --data d --task sorting", 64),
    ("evaluate a --data d --scale 0", 64), ("evaluate a --data d --task super-resolution", 64),
    ("inspect a --threads 0", 64), ("inspect a --threads -3", 64),
  ])
  func `wrong usage exits with 64`(arguments: String, status: Int32) throws {
    let run = try SnugProcess(arguments.split(separator: " ").map(String.init))
    #expect(run.status == status)
    if status != 0 {
      #expect(run.output.isEmpty)
      #expect(run.error.hasPrefix("error: "))
    }
  }

  @Test(arguments: [
    ("convrt a -o b", "There is no command 'convrt'; did you mean 'convert'?"),
    ("frobnicate", "There is no command 'frobnicate'; 'snug --help' lists all"),
    ("inspect a --htlm b", "Did you mean '--html'?"),
    ("inspect a --sort=-headrom", "'headrom' is no column; did you mean 'headroom'?"),
    ("inspect a --filter headrom<1", "'headrom' is no column; did you mean 'headroom'?"),
    ("inspect a --filter headroom", "give a comparison with a number, such as 'headroom<1'"),
    ("export a -o b --format qonx", "hls4ml; did you mean 'qonnx'?"),
    ("convert a -o b --format qonx", "hls4ml; did you mean 'qonnx'?"),
    ("convert a -o b --method exat", "unconstrained; did you mean 'exact'?"),
    ("convert a -o b --max-loss 1 --minimize lut", ".csv file; did you mean 'luts'?"),
  ])
  func `a misspelt word is answered with the nearest one`(arguments: String, answer: String) throws
  {
    let run = try SnugProcess(arguments.split(separator: " ").map(String.init))
    #expect(run.status == 64)
    #expect(run.error.contains(answer), "\(run.error)")
  }

  @Test func `a reader that goes away is no failure`() throws {
    let model = try files.quantized(finnBits: 7)
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/bash")
    shell.arguments = [
      "-c", "set -o pipefail; \"$0\" inspect \"$1\" | true; exit ${PIPESTATUS[0]}",
      SnugProcess.executable.path, model,
    ]
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationReason == .exit)
    #expect(shell.terminationStatus == 0)
  }

  @Test func `a full standard output is an output that can't be written`() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let model = try files.quantized(finnBits: 7)
    let process = Process()
    process.executableURL = SnugProcess.executable
    process.arguments = ["inspect", model]
    process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 3)
    #expect(
      text
        == "error: standard output: can't be written: No space left on device; make room, or send the result elsewhere\n"
    )
  }
}
