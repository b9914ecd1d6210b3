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
    #expect(message(folder.url.path) == "cannot read '\(folder.url.path)': Is a directory")
    let missing = folder.path("none.onnx")
    #expect(message(missing) == "cannot read '\(missing)': No such file or directory")
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

  /// Graphs inside attributes of nodes inside graphs, written from the inside out.
  static func nested(levels: Int) -> [UInt8] {
    // Lengths are known from the inside, so the outer keys are collected first and reversed.
    var lengths: [Int] = []
    var length = 0
    for _ in 0..<levels {
      for _ in 0..<3 {
        lengths.append(length)
        length += 1 + WireMessage.varint(UInt64(length)).count
      }
    }
    var bytes: [UInt8] = [0x08, 0x08]
    bytes += [0x3A] + WireMessage.varint(UInt64(length))
    // From the outside: node (1) of a graph, its attribute (5), the attribute's graph (6).
    for (index, length) in lengths.reversed().enumerated() {
      bytes += [[0x0A, 0x2A, 0x32][index % 3]] + WireMessage.varint(UInt64(length))
    }
    return bytes
  }

  @Test(arguments: [100, 10_000, 1_000_000])
  func `subgraphs nested without end are refused`(levels: Int) {
    #expect(problem(Self.nested(levels: levels)) == .tooDeep(limit: 100))
  }

  @Test func `a few nested subgraphs can be decoded`() {
    // The innermost nodes have no operator type, which is found only after decoding.
    #expect(
      problem([0x42, 0x02, 0x10, 0x0D] + Self.nested(levels: 30))
        == .missingField(owner: "node '_0'", field: "op_type"))
  }

  @Test func `a file whose messages would take hundreds of times its size is refused`() {
    // Empty nodes: two bytes in the file, some 200 in memory.
    let count = 4 << 20
    let nodes = [UInt8](unsafeUninitializedCapacity: 2 * count) { buffer, filled in
      for index in 0..<count {
        buffer[2 * index] = 0x0A
        buffer[2 * index + 1] = 0
      }
      filled = 2 * count
    }
    let bytes = WireMessage {
      $0.int(1, 8)
      $0.bytes(7, nodes)
    }.bytes
    #expect(problem(bytes) == .tooLarge(limit: 256 << 20))
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

/// A small deterministic generator (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
