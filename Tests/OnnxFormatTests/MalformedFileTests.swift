import Foundation
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import OnnxFormat

/// Files that are damaged, or no models at all.
@Suite struct MalformedFileTests {
  static let whole = ModelBytes().bytes

  @Test func `the undamaged model can be read`() throws {
    let model = try ModelBytes().read()
    #expect(
      model.graph.dump() == """
        graph test(
          x: float[Nx2]
        ) -> (y)
          y: float[Nx2] = Mul(x, w)  # mul

        """)
  }

  @Test(
    arguments: [
      ([], .empty),
      (Array("# A read-me\nof two lines: ä\n".utf8), .foreign(.text)),
      ([0x50, 0x4B, 3, 4, 0, 0], .foreign(.zip)),
      ([0x1F, 0x8B, 8, 0], .foreign(.gzip)),
      ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A], .foreign(.hdf5)),
      ([0x1C, 0, 0, 0] + Array("TFL3".utf8), .foreign(.tensorFlowLite)),
      ([0x93] + Array("NUMPY".utf8) + [1, 0], .foreign(.numpy)),
      ([0xFF, 0xD8, 0xFF, 0xE0], .foreign(.image)),
      ([0x0F, 0x00, 0x00], .foreign(.unknown)),
      ([0x08, 0x08], .noGraph),
    ] as [([UInt8], FormatProblem)])
  func `a file that is no model is refused for what it is`(
    bytes: [UInt8], expected: FormatProblem
  ) {
    #expect(problem(bytes) == expected)
  }

  @Test func `a folder and a missing file are refused with the system's reason`() throws {
    let folder = try TemporaryFolder()
    let message = { (path: String) -> String in
      do throws(FormatError) {
        _ = try OnnxReader.read(path: path, resolver: OpaqueResolver())
        return "read"
      } catch { return error.description }
    }
    #expect(
      message(folder.url.path) == "cannot read '\(folder.url.path)': Is a directory; name a file")
    let missing = folder.path("none.onnx")
    #expect(
      message(missing) == "cannot read '\(missing)': No such file or directory; check the path")
  }

  @Test func `a file beyond the limit of the format is refused before it is read`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([0x08, 0x08], to: "big.onnx")
    truncate(path, 3 << 30)
    #expect(throws: FormatError(file: path, .fileSize(limit: Int(Int32.max)))) {
      try OnnxReader.read(path: path, resolver: OpaqueResolver())
    }
  }

  @Test func `a model is read from a pipe`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("pipe")
    #expect(mkfifo(path, 0o600) == 0)
    let bytes = Self.whole
    Thread.detachNewThread {
      guard let file = FileHandle(forWritingAtPath: path) else { return }
      file.write(Data(bytes))
      try? file.close()
    }
    let model = try OnnxReader.read(path: path, resolver: OpaqueResolver())
    #expect(model.graph.nodeIDs.count == 1)
  }

  @Test func `an error from a file names the file`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([], to: "empty.onnx")
    #expect(
      throws: FormatError(file: path, .empty)
    ) { try OnnxReader.read(path: path, resolver: OpaqueResolver()) }
    #expect(
      FormatError(file: path, .empty).description
        == "\(path): the file is empty; write the model again")
  }

  @Test func `a model cut at any byte is refused`() {
    for length in 0..<Self.whole.count {
      #expect(problem(Array(Self.whole.prefix(length))) != nil, "cut at \(length)")
    }
  }

  @Test func `a truncated model is refused with the field and what is missing`() {
    let cut = Array(Self.whole.dropLast(10))
    #expect(
      problem(cut) == .truncated(field: "ModelProto.graph", offset: 8, missing: 10))
  }

  @Test func `2,000 flipped bits never stop the process`() {
    var generator = SplitMix(seed: 1)
    var refused = 0
    for _ in 0..<2000 {
      var bytes = Self.whole
      let bit = Int(generator.next() % UInt64(bytes.count * 8))
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      if problem(bytes) != nil { refused += 1 }
    }
    #expect(refused > 500 && refused < 2000)
  }

  @Test func `random bytes are refused`() {
    var generator = SplitMix(seed: 2)
    for length in 1..<500 {
      let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      #expect(problem(bytes) != nil)
    }
  }

  // MARK: Depth and size

  @Test(arguments: [100, 10_000, 1_000_000])
  func `subgraphs nested without end are refused`(levels: Int) {
    #expect(problem(ModelBytes.nested(levels: levels)) == .tooDeep(limit: 100))
  }

  @Test func `a few nested subgraphs can be decoded`() {
    // The innermost nodes have no operator type, which is found only after decoding.
    #expect(
      problem([0x42, 0x02, 0x10, 0x0D] + ModelBytes.nested(levels: 30))
        == .missingField(owner: "node '_0'", field: "op_type"))
  }

  @Test func `a file whose messages would take hundreds of times its size is refused`() {
    // Empty nodes: two bytes in the file, some 200 in memory.
    var nodes: [UInt8] = [0x0A, 0]
    while nodes.count < 4 << 20 { nodes += nodes }
    let bytes = WireMessage {
      $0.int(1, 8)
      $0.bytes(7, nodes)
    }.bytes
    guard case .tooLarge = problem(bytes) else {
      Issue.record("read")
      return
    }
  }

  // MARK: The wire format

  @Test(
    arguments: [
      // A number of eleven bytes.
      (
        [0x08] + [UInt8](repeating: 0x80, count: 10) + [1], "ModelProto.ir_version",
        WireFault.varint
      ),
      ([0x00, 0x01], "ModelProto", .fieldNumber),
      // A group in field 62.
      ([0xF3, 0x03], "ModelProto", .group),
      // ir_version as text, graph as a number.
      ([0x0A, 0x01, 0x41], "ModelProto.ir_version", .wireType(expected: "an integer")),
      ([0x38, 0x01], "ModelProto.graph", .wireType(expected: "bytes")),
      // Two graphs.
      ([0x3A, 0x00, 0x3A, 0x00], "ModelProto.graph", .repeated),
      // A producer with a zero byte.
      ([0x12, 0x02, 0x41, 0x00], "ModelProto.producer_name", .zeroByte),
      // A node longer than its graph, in a longer file.
      ([0x3A, 0x02, 0x0A, 0x04, 0x12, 0x00, 0x12, 0x00], "GraphProto.node", .length),
      // A length of 2^62.
      ([0x3A] + WireMessage.varint(1 << 62), "ModelProto.graph", .length),
      // Packed floats of five bytes, packed integers that stop in the middle.
      ([0x3A, 0x09, 0x2A, 0x07, 0x22, 0x05, 0, 0, 0, 0, 0], "TensorProto.float_data", .length),
      ([0x3A, 0x05, 0x2A, 0x03, 0x0A, 0x01, 0x80], "TensorProto.dims", .varint),
    ] as [([UInt8], String, WireFault)])
  func `a break of the wire format is refused with the field`(
    bytes: [UInt8], field: String, fault: WireFault
  ) {
    // Behind a valid field, as damage in the first one makes a file unrecognizable.
    let found = problem([0x08, 0x08] + bytes)
    guard case .malformed(field, offset: _, fault) = found else {
      Issue.record("\(String(describing: found))")
      return
    }
  }
}
