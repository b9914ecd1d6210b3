import Foundation
import GraphIR
import OnnxFormat
import TensorCore
import TestSupport
import Testing
import Training

/// No output may be, contain, lie in or link to an input or another output.
@Suite struct OutputPathTests {
  let files: SampleFiles

  init() throws {
    files = try SampleFiles()
    let folder = files.folder
    _ = try files.quantized("q.onnx")
    for (copy, original) in [("m.onnx", "digits/model.onnx"), ("c.npz", "digits/calibration.npz")] {
      try FileManager.default.copyItem(
        atPath: Fixtures.path(original), toPath: folder.path(copy))
    }
    try TensorFile.write(
      Tensor([1, 2] as [Float], shape: [1, 2]), to: folder.path("x.pb"))
    _ = try files.text("data: c.npz\n", to: "r.yaml")
    for name in ["images/cat", "results", "states"] {
      try FileManager.default.createDirectory(
        atPath: folder.path(name), withIntermediateDirectories: true)
    }
    _ = try folder.write([1], to: "images/cat/1.png")
    _ = try folder.write([1], to: "train-images-idx3-ubyte")
    _ = try folder.write([1], to: "train-labels-idx1-ubyte")
    for (link, target) in [
      ("link", "q.onnx"), ("new", "made"), ("results/fc_out.npy", "../x.pb"),
      ("states/latest.snugstate", "../m.onnx"), ("images/cat/2.png", "../../precious"),
    ] {
      try FileManager.default.createSymbolicLink(
        atPath: folder.path(link), withDestinationPath: target)
    }
    _ = try folder.write([1], to: "precious")
    try FileManager.default.linkItem(
      atPath: folder.path("c.npz"), toPath: folder.path("hard"))
    try Self.writeExternal(to: folder)
  }

  /// `e.onnx`, whose weight lies in the file `ee`.
  private static func writeExternal(to folder: TemporaryFolder) throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [1, 2]))
    let values: [Float] = [1, 2, 3, 4]
    builder.output(builder.node("MatMul", [x, builder.constant(values, [2, 2])], name: "fc"))
    var bytes = try OnnxWriter.serialize(builder.model)
    // The fields external_data, {location: ee}, and data_location, 1, take the bytes of raw_data.
    let raw = values.withUnsafeBytes { [0x4A, UInt8($0.count)] + Array($0) }
    let external =
      [0x6A, 14, 0x0A, 8] + Array("location".utf8) + [0x12, 2] + Array("ee".utf8) + [0x70, 1]
    try #require(raw.count == external.count)
    let start = try #require(bytes.indices.first { bytes[$0...].starts(with: raw) })
    bytes.replaceSubrange(start..<start + raw.count, with: external)
    _ = try folder.write(bytes, to: "e.onnx")
    _ = try folder.write(Array(raw.dropFirst(2)), to: "ee")
  }

  /// Every file with its content, links by what they lead to.
  private func contents() throws -> [String: Data] {
    var found: [String: Data] = [:]
    let paths = try FileManager.default.subpathsOfDirectory(atPath: files.folder.url.path)
    for path in paths {
      found[path] = FileManager.default.contents(atPath: files.folder.path(path)) ?? Data()
    }
    return found
  }

  @Test(arguments: [
    ("inspect q.onnx --html q.onnx", "--html 'q.onnx' is the same file as the model 'q.onnx'"),
    ("inspect q.onnx --html ./images/../link", "is the same file as the model 'q.onnx'"),
    ("export q.onnx -o q.onnx", "--output 'q.onnx' is the same file as the model"),
    ("export link -o q.onnx", "--output 'q.onnx' is the same file as the model 'link'"),
    ("convert m.onnx -o c.npz --data c.npz", "--output 'c.npz' is the same file as --data"),
    ("convert m.onnx -o hard --data c.npz", "--output 'hard' is the same file as --data"),
    ("convert m.onnx -o c.npz --recipe r.yaml", "--output 'c.npz' is the same file as --data"),
    ("convert m.onnx -o o --recipe r.yaml --sidecar r.yaml", "is the same file as --recipe"),
    ("convert m.onnx -o o --validation c.npz --sidecar c.npz", "same file as --validation"),
    ("convert m.onnx -o o --sidecar ./o", "--sidecar './o' is the same file as --output 'o'"),
    ("convert m.onnx -o made --sidecar new", "--sidecar 'new' is the same file as --output"),
    ("convert m.onnx -o o --sidecar o.data", "is the same file as external data of --output"),
    ("convert m.onnx -o images/o --data images", "--output 'images/o' lies in --data 'images'"),
    ("convert m.onnx -o precious --data images", "is what a link leads to in --data"),
    (
      "convert m.onnx -o train-labels-idx1-ubyte --data train-images-idx3-ubyte",
      "is the same file as --data './train-labels-idx1-ubyte'"
    ),
    ("finetune m.onnx -o o --data c.npz --log c.npz", "--log 'c.npz' is the same file as --data"),
    ("finetune m.onnx -o o --data c.npz --log o.csv --plot o.csv", "is the same file as"),
    ("finetune m.onnx -o o --data c.npz --log a --log ./a.jsonl --plot a", "is the same file as"),
    ("finetune m.onnx -o o --data c.npz --checkpoint-dir .", "--checkpoint-dir '.' contains"),
    ("finetune m.onnx -o s/o --data c.npz --checkpoint-dir s", "--checkpoint-dir 's' contains"),
    ("finetune m.onnx -o o --data images --checkpoint-dir images", "is the same file as --data"),
    (
      "finetune m.onnx -o o --data c.npz --checkpoint-dir states",
      "--checkpoint-dir 'states/latest.snugstate' is the same file as the model 'm.onnx'"
    ),
    ("run q.onnx --input x=x.pb --output-dir .", "--output-dir '.' contains"),
    (
      "run q.onnx --input x=x.pb --output-dir results",
      "--output-dir 'results/fc_out.npy' is the same file as --input 'x.pb'"
    ),
    ("inspect e.onnx --html ee", "--html 'ee' is the same file as external data of the model"),
    ("export e.onnx -o ee", "--output 'ee' is the same file as external data of the model"),
  ])
  func `an output that could cost something is refused before anything is written`(
    arguments: String, reason: String
  ) throws {
    let before = try contents()
    let run = try SnugProcess(
      arguments.split(separator: " ").map(String.init), in: files.folder.url)
    #expect(run.status == 2)
    #expect(run.error.hasPrefix("error: --"))
    #expect(run.error.contains(reason), "\(run.error)")
    #expect(run.error.count { $0 == "\n" } == 1)
    #expect(run.output.isEmpty)
    #expect(try contents() == before)
  }

  @Test(arguments: ["/dev/stdout", "/dev/fd/1", "/dev/null", "pipe"])
  func `a model is not written to what can't be read again`(path: String) throws {
    mkfifo(files.folder.path("pipe"), 0o600)
    let run = try SnugProcess("export", "q.onnx", "-o", path, in: files.folder.url)
    #expect(run.status == 3)
    #expect(run.error.hasPrefix("error: cannot write '\(path)': "))
    #expect(run.error.hasSuffix("; name a file with --output\n"))
    #expect(run.output.isEmpty)
  }

  @Test func `a page goes to a device or pipe, not over a file that the shell has opened`() throws {
    let page = try SnugProcess(
      "inspect", "q.onnx", "--html", "/dev/stdout", "--quiet", in: files.folder.url)
    // Standard output is a file here.
    #expect(page.status == 3)
    #expect(page.error.contains("it is a file that other output goes to"))
    #expect(page.output.isEmpty)
    #expect(
      try SnugProcess("inspect", "q.onnx", "--html", "/dev/null", in: files.folder.url).status == 0)
  }

  @Test func `a second training on one folder of states is refused while the first lives`() throws {
    let states = files.folder.path("other")
    let lock = try CheckpointLock(folder: states)
    let arguments = [
      "finetune", "m.onnx", "-o", "o.onnx", "--data", Fixtures.path("digits/train.npz"),
      "--epochs", "1", "--checkpoint-dir", "other", "--threads", "1",
    ]
    let second = try SnugProcess(arguments, in: files.folder.url)
    #expect(second.status == 2)
    #expect(
      second.error
        == "error: other: is in use by another training, process \(getpid()); wait for its end, or name another folder\n"
    )
    withExtendedLifetime(lock) {}
  }

  @Test func `quiet prints errors alone, and JSON where it is asked for`() throws {
    let folder = files.folder.url
    for arguments in [
      ["verify", "q.onnx", "--accumulator-bits", "12"], ["inspect", "q.onnx"],
      ["export", "q.onnx", "-o", "e.out"],
      ["run", "q.onnx", "--input", "x=x.pb", "--output-dir", "arrays"],
      ["evaluate", "m.onnx", "--data", Fixtures.path("digits/test.npz"), "--limit", "8"],
      ["convert", "m.onnx", "-o", "c.out", "--data", "c.npz", "--log", "log.csv"],
    ] {
      let quiet = try SnugProcess(arguments + ["--quiet"], in: folder)
      #expect(quiet.status == 0)
      #expect(quiet.output.isEmpty && quiet.error.isEmpty, "\(arguments)")
      #expect(!(try SnugProcess(arguments + ["--quiet", "--json"], in: folder).json().isEmpty))
    }
    let refuted = try SnugProcess("verify", "q.onnx", "--accumulator-bits", "2", "-q", in: folder)
    #expect(refuted.status == 1)
    #expect(refuted.output.isEmpty && refuted.error.isEmpty)
    #expect(try SnugProcess("inspect", "none", "-q", in: folder).error.hasPrefix("error: "))
  }

  @Test func `paths are shown without what could steer a terminal`() throws {
    let folder = files.folder
    let name = "a\u{1B}[31m\n\u{202E}.onnx"
    try FileManager.default.copyItem(atPath: folder.path("q.onnx"), toPath: folder.path(name))
    for arguments in [
      ["inspect", name], ["verify", name], ["export", "q.onnx", "-o", "b" + name],
      ["inspect", "none" + name], ["inspect", name, "--html", name],
      ["inspect", name, "--" + name],
      ["run", name, "--input", "x=x.pb", "--output-dir", "o" + name],
      ["convert", "m.onnx", "-o", "c" + name, "--data", "c.npz", "--calibration-samples", "8"],
      ["convert", "m.onnx", "-o", "none/" + name, "--data", "c.npz"],
    ] {
      let run = try SnugProcess(arguments, in: folder.url)
      for text in [run.output, run.error] {
        #expect(
          !text.unicodeScalars.contains("\u{1B}") && !text.unicodeScalars.contains("\u{202E}"))
      }
      #expect((run.output + run.error).contains(#"a\u{1B}[31m"#), "\(arguments)")
    }
  }
}
