import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Training

/// A state of two arrays in a folder of its own.
private struct SavedState {
  let folder: TemporaryFolder
  let store: CheckpointStore
  let weights: [Float] = [1, -2.5, .leastNonzeroMagnitude, .nan, -0.0]
  let moments: [Float] = [0.25, .infinity]
  var configuration: JSONValue = ["optimizer": "adam", "learning-rate": 0.1, "epochs": 3]
  let header: CheckpointHeader

  init() throws {
    folder = try TemporaryFolder()
    store = try CheckpointStore(folder: folder.path("a/b"))
    header = CheckpointHeader(
      configuration: configuration, position: TrainingPosition(step: 70, epoch: 2, batch: 10),
      bestMetric: 0.1 + 0.2, bestEpoch: 1, seed: .max, extra: ["averages": 69])
    try save(.latest)
  }

  func save(_ slot: CheckpointStore.Slot) throws {
    var (weights, moments) = (weights, moments)
    try weights.withMutableBuffer { (w) throws(CheckpointError) in
      try moments.withMutableBuffer { (m) throws(CheckpointError) in
        try store.save(header, [NamedArray("weights", w), NamedArray("moments", m)], as: slot)
      }
    }
  }

  /// Restores into arrays of zeros, and gives these.
  func restore(
    _ names: [(String, Int)] = [("moments", 2), ("weights", 5)], configuration: JSONValue? = nil
  ) throws -> (header: CheckpointHeader?, error: CheckpointError?, arrays: [[Float]]) {
    var arrays = names.map { [Float](repeating: 0, count: $0.1) }
    var result: (header: CheckpointHeader?, error: CheckpointError?) = (nil, nil)
    let buffers = arrays.map {
      let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: $0.count)
      buffer.initialize(repeating: 0)
      return buffer
    }
    defer { for buffer in buffers { buffer.deallocate() } }
    do throws(CheckpointError) {
      result.header = try store.restore(
        .latest, into: zip(names, buffers).map { NamedArray($0.0, $1) },
        configuration: configuration ?? self.configuration)
    } catch {
      result.error = error
    }
    for index in arrays.indices { arrays[index] = Array(buffers[index]) }
    return (result.header, result.error, arrays)
  }

  var path: String { store.path(.latest) }

  func bytes() throws -> [UInt8] { try Array(Data(contentsOf: URL(filePath: path))) }

  func replace(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: path)) }
}

@Suite struct CheckpointTests {
  @Test func `everything comes back to the bit, whatever the order of the arrays`() throws {
    let state = try SavedState()
    let result = try state.restore()
    #expect(result.header == state.header)
    #expect(result.arrays[0].map(\.bitPattern) == state.moments.map(\.bitPattern))
    #expect(result.arrays[1].map(\.bitPattern) == state.weights.map(\.bitPattern))
    #expect(try state.store.header(of: .latest) == state.header)
  }

  @Test func `the two states have the names of the contract and leave nothing else behind`() throws
  {
    let state = try SavedState()
    #expect(state.store.contains(.latest) && !state.store.contains(.best))
    try state.save(.best)
    try state.save(.best)
    #expect(state.store.contains(.best))
    let names = try FileManager.default.contentsOfDirectory(atPath: state.store.folder).sorted()
    #expect(names == ["best.snugstate", "latest.snugstate"])
  }

  @Test func `the layout is the documented one, read without this code`() throws {
    let state = try SavedState()
    let bytes = try state.bytes()
    #expect(bytes.prefix(8) == [0x89, 0x53, 0x4E, 0x55, 0x47, 0x53, 0x54, 0x0A])
    let length = bytes[8..<16].reversed().reduce(0) { $0 << 8 | Int($1) }
    #expect((16 + length).isMultiple(of: 64))
    let json = try JSONSerialization.jsonObject(with: Data(bytes[16..<16 + length]))
    let header = try #require(json as? [String: Any])
    #expect(header["version"] as? Int == 1 && header["step"] as? Int == 70)
    let floats = bytes[(16 + length)...].dropLast(4)
    #expect(floats.count == 7 * 4)
    let second = floats.dropFirst(4).prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    #expect(Float(bitPattern: second) == -2.5)
    // CRC-32, bit by bit.
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes.dropLast(4) {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    let stored = bytes.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    #expect(stored == ~crc)
  }

  @Test func `no flipped bit goes unnoticed, and none reaches the arrays`() throws {
    let state = try SavedState()
    let bytes = try state.bytes()
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 1 << UInt8(index % 8)
      try state.replace(damaged)
      let result = try state.restore()
      #expect(result.error != nil, "byte \(index)")
      #expect(result.arrays.joined().allSatisfy { $0 == 0 })
    }
  }

  @Test func `a file cut anywhere is refused as truncated`() throws {
    let state = try SavedState()
    let bytes = try state.bytes()
    for count in 0..<bytes.count {
      try state.replace(Array(bytes.prefix(count)))
      let error = try state.restore().error
      guard case .truncated = error else {
        Issue.record("\(count) bytes: \(String(describing: error))")
        continue
      }
    }
    try state.replace(bytes + [0])
    #expect(
      try state.restore().error
        == .tooLong(path: state.path, needed: bytes.count, available: bytes.count + 1))
  }

  @Test func `another file is foreign, and a missing one is named`() throws {
    let state = try SavedState()
    try state.replace(Array("step,epoch,learning_rate\n1,0,0.1\n".utf8))
    #expect(try state.restore().error == .foreign(path: state.path))
    try FileManager.default.removeItem(atPath: state.path)
    #expect(try state.restore().error == .file(FileError(.read, state.path, code: ENOENT)))
    #expect(!state.store.contains(.latest))
  }

  @Test func `sizes that a header claims are checked before memory is taken`() throws {
    let state = try SavedState()
    func file(_ header: String, length: UInt64? = nil) -> [UInt8] {
      let length = length ?? UInt64(header.utf8.count)
      return CheckpointWriter.magic + withUnsafeBytes(of: length.littleEndian) { Array($0) }
        + Array(header.utf8) + [0, 0, 0, 0]
    }
    try state.replace(file("{}", length: .max))
    #expect(try state.restore().error == .malformed(path: state.path, field: "header length"))
    try state.replace(file("{}", length: 1 << 26))
    guard case .truncated = try state.restore().error else {
      Issue.record("a header beyond the end of the file")
      return
    }
    let valid = state.header.json([.init(name: "weights", count: 5)]).text()
    for count in ["4611686018427387904", "9223372036854775807", "-1", "1.5", "null"] {
      try state.replace(file(valid.replacing(#""count":5"#, with: #""count":\#(count)"#)))
      #expect(try state.restore().error == .malformed(path: state.path, field: "arrays"))
    }
    try state.replace(file(valid.replacing(#""count":5"#, with: #""count":1000000000000"#)))
    guard case .truncated(_, let needed, _) = try state.restore().error else {
      Issue.record("arrays beyond the end of the file")
      return
    }
    #expect(needed > 4_000_000_000_000)
  }

  @Test func `a header of another version or without a field is refused by name`() throws {
    let state = try SavedState()
    let valid = state.header.json([])
    let members = try #require(valid.objectValue)
    func decode(_ json: JSONValue) -> CheckpointError? {
      do throws(CheckpointError) {
        _ = try CheckpointHeader.decode(json, path: "f")
        return nil
      } catch {
        return error
      }
    }
    #expect(decode(valid) == nil)
    for member in members where !["best_metric", "best_epoch"].contains(member.key) {
      let field = member.key == "fingerprint" ? "configuration" : member.key
      let without = JSONValue.object(members.filter { $0.key != member.key })
      #expect(decode(without) == .malformed(path: "f", field: field))
    }
    var newer = members
    newer[0] = JSONMember("version", 2)
    #expect(decode(.object(newer)) == .version(path: "f", found: 2, supported: 1))
  }

  @Test func `a run with other options is told which`() throws {
    let state = try SavedState()
    let result = try state.restore(
      configuration: ["optimizer": "sgd", "learning-rate": 0.1, "seed": 1])
    let differences: [CheckpointError.Difference] = [
      .init(key: "epochs", saved: 3, given: nil),
      .init(key: "optimizer", saved: "adam", given: "sgd"),
      .init(key: "seed", saved: nil, given: 1),
    ]
    #expect(result.error == .otherConfiguration(path: state.path, differences))
    #expect(result.arrays.joined().allSatisfy { $0 == 0 })
    #expect(
      result.error?.description
        == "\(state.path): is of another run: 'epochs' was 3, now nothing, 'optimizer' was \"adam\", "
        + "now \"sgd\", 'seed' was nothing, now 1; give the same options to resume it, or another "
        + "folder to start anew")
  }

  @Test func `arrays of another model are refused before any is filled`() throws {
    let state = try SavedState()
    let path = state.path
    var result = try state.restore([("moments", 2), ("weights", 6)])
    #expect(
      result.error == .arrayLength(path: path, name: "weights", expected: 6, actual: 5))
    #expect(result.arrays.joined().allSatisfy { $0 == 0 })
    result = try state.restore([("weights", 5)])
    #expect(result.error == .unexpectedArray(path: path, name: "moments"))
    result = try state.restore([("moments", 2), ("weights", 5), ("average", 5)])
    #expect(result.error == .missingArray(path: path, name: "average"))
    #expect(result.arrays.joined().allSatisfy { $0 == 0 })
  }

  @Test func `a save that fails leaves the state before in place`() throws {
    let state = try SavedState()
    let before = try state.bytes()
    let gone = try CheckpointStore(folder: state.folder.path("gone"))
    try FileManager.default.removeItem(atPath: gone.folder)
    #expect(throws: CheckpointError.self) {
      try gone.save(state.header, [], as: .latest)
    }
    #expect(try state.bytes() == before)
    let file = try state.folder.write([1], to: "file")
    #expect(throws: CheckpointError.file(FileError(.write, file, code: ENOTDIR))) {
      try CheckpointStore(folder: file)
    }
  }
}
