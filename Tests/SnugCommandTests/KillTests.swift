import Foundation
import TestSupport
import Testing

/// What `scripts/kill-and-keep` does at length.
@Suite struct KillTests {
  let files: SampleFiles

  init() throws { files = try SampleFiles() }

  @Test func `killed at any instant, an export leaves the file before or the whole new one`() throws
  {
    let folder = files.folder
    let model = try files.quantized("q.onnx")
    let input = try Data(contentsOf: URL(filePath: model))
    let start = ContinuousClock.now
    #expect(try SnugProcess("export", "q.onnx", "-o", "o.onnx", in: folder.url).status == 0)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let output = URL(filePath: folder.path("o.onnx"))
    let whole = try Data(contentsOf: output)
    var random = SplitMix(seed: UInt64(Date().timeIntervalSince1970))
    for round in 0..<12 {
      let before = Data([UInt8(round)])
      try before.write(to: output)
      let signal = [SIGKILL, SIGINT, SIGTERM][round % 3]
      let delay = Double.random(in: 0...seconds, using: &random)
      let killed = try SnugProcess(
        ["export", "q.onnx", "-o", "o.onnx"], in: folder.url,
        whileRunning: { process in
          usleep(UInt32(delay * 1e6))
          kill(process, signal)
        })
      #expect(killed.status == 128 + signal || killed.status == 0)
      let now = try Data(contentsOf: output)
      #expect(now == before || now == whole, "\(delay)")
      #expect(try Data(contentsOf: URL(filePath: model)) == input)
    }
    #expect(try SnugProcess("export", "q.onnx", "-o", "o.onnx", in: folder.url).status == 0)
    #expect(try Data(contentsOf: output) == whole)
    #expect(try folder.contents() == ["o.onnx", "q.onnx"])
  }

  @Test func `a limit on the size of files is an output that can't be written`() throws {
    let folder = files.folder
    _ = try files.quantized("q.onnx")
    _ = try folder.write([1, 2, 3], to: "page.html")
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/bash")
    shell.arguments = [
      "-c", "ulimit -f 1; exec \"$0\" inspect q.onnx --html page.html", SnugProcess.executable.path,
    ]
    shell.currentDirectoryURL = folder.url
    let errors = Pipe()
    shell.standardError = errors
    shell.standardOutput = FileHandle.nullDevice
    try shell.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(shell.terminationReason == .exit)
    #expect(shell.terminationStatus == 3)
    #expect(
      text
        == "error: cannot write 'page.html': File too large; raise the limit on the size of files (ulimit -f)\n"
    )
    #expect(try Data(contentsOf: URL(filePath: folder.path("page.html"))) == Data([1, 2, 3]))
    #expect(try folder.contents() == ["page.html", "q.onnx"])
  }
}
