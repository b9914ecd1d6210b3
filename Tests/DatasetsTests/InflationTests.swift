import CZlib
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Datasets

/// Compressed data: how much of it is inflated, and how much may be.
@Suite struct InflationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A raw deflate stream, or a gzip file.
  private static func deflate(_ bytes: [UInt8], gzip: Bool = false) throws -> [UInt8] {
    var stream = z_stream()
    let status = deflateInit2_(
      &stream, 9, Z_DEFLATED, gzip ? 31 : -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    try #require(status == Z_OK)
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
    let isDone = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        return CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END
      }
    }
    try #require(isDone)
    return Array(output.prefix(Int(stream.total_out)))
  }

  /// Bytes that tell their place.
  private static func content(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
  }

  private func file(_ bytes: [UInt8], _ name: String = "stream") throws -> ByteSource {
    let path = try folder.write(bytes, to: name)
    return .file(try DataFile(path), offset: 0, count: bytes.count)
  }

  private func read(_ bytes: InflatedBytes, _ range: Range<Int>) throws -> [UInt8] {
    let source = ByteSource.inflated(bytes, offset: 0, count: bytes.count)
    let storage = try source.storage(range)
    return withExtendedLifetime(storage) { Array(storage.bytes) }
  }

  @Test(arguments: [false, true])
  func `any part of the content is what was compressed, in any order`(isGzip: Bool) throws {
    let content = Self.content(300_000)
    let source = try file(try Self.deflate(content, gzip: isGzip))
    let bytes = try InflatedBytes(
      source, isGzip ? .gzip : .raw, count: content.count, path: "stream")
    for range in [5..<9, 200_000..<299_999, 0..<0, 299_999..<300_000, 0..<300_000] {
      #expect(try read(bytes, range) == Array(content[range]))
    }
  }

  @Test func `members of a gzip file are one content`() throws {
    let content = Self.content(5000)
    let members =
      try Self.deflate(Array(content[..<2000]), gzip: true)
      + Self.deflate(Array(content[2000...]), gzip: true)
    let bytes = try InflatedBytes(try file(members), .gzip, count: 5000, path: "stream")
    #expect(try read(bytes, 0..<5000) == content)
  }

  @Test func `a content shorter, longer or other than what is claimed is refused`() throws {
    let content = Self.content(1000)
    let source = try file(try Self.deflate(content))
    for count in [999, 1001] {
      #expect(throws: DatasetError.self) {
        try InflatedBytes(source, .raw, count: count, path: "stream")
      }
    }
    let checksum = UInt32(crc32(0, content, 1000))
    _ = try InflatedBytes(source, .raw, count: 1000, checksum: checksum, path: "stream")
    #expect(throws: DatasetError.self) {
      try InflatedBytes(source, .raw, count: 1000, checksum: checksum ^ 1, path: "stream")
    }
  }

  @Test func `content whose checksum fails at its end stays refused, its beginning too`() throws {
    let count = InflationLimit.eager + 1
    let source = try file(try Self.deflate([UInt8](repeating: 7, count: count)))
    let bytes = try InflatedBytes(source, .raw, count: count, checksum: 1, path: "stream")
    #expect(try read(bytes, 0..<10) == [UInt8](repeating: 7, count: 10))
    for range in [count - 1..<count, 0..<10] {
      #expect(throws: DatasetError.self) { try read(bytes, range) }
    }
  }

  @Test func `what lies behind the last byte that is asked for is not inflated`() throws {
    // Claims more than is inflated at once, and holds less.
    let source = try file(try Self.deflate(Self.content(1 << 20)))
    let bytes = try InflatedBytes(
      source, .raw, count: InflationLimit.eager + 1, path: "stream")
    #expect(try read(bytes, 0..<1000) == Array(Self.content(1000)))
    #expect(throws: DatasetError.self) { try read(bytes, 0..<2 << 20) }
  }

  @Test func `chosen records are those of the content, and others can still be read`() throws {
    let content = Self.content(1 << 20)
    let source = try file(try Self.deflate(content))
    let bytes = try InflatedBytes(source, .raw, count: content.count, path: "stream")
    try bytes.select([900, 3, 77, 3], at: 128, stride: 1000)
    for index in [77, 900, 3, 500] {
      let start = 128 + index * 1000
      #expect(try read(bytes, start..<start + 1000) == Array(content[start..<start + 1000]))
    }
    #expect(throws: DatasetError.self) { try bytes.select([5000], at: 0, stride: 1000) }
  }

  @Test func `more than a plausible size is refused before anything is inflated`() throws {
    let source = try file(Array(repeating: 0, count: 1000))
    let count = InflationLimit.free + 1
    #expect(
      throws: DatasetError.inflation(
        path: "x.npz", bytes: count, compressed: 1000, limit: InflationLimit.free)
    ) { try InflatedBytes(source, .raw, count: count, path: "x.npz") }
    #expect(
      DatasetError.inflation(path: "x.npz", bytes: 9, compressed: 1, limit: 8).description
        == "x.npz: 1 compressed bytes would become 9; at most 8 are inflated from so few: store it uncompressed"
    )
  }

  @Test func `with a limit the samples behind it are not looked at`() throws {
    var first = request([.unknown, 2, 3, 4])
    first.limit = 2
    for name in ["stored", "deflated"] {
      let path = Fixtures.path("arrays/\(name).npz")
      let all = try DatasetLoader.open(path: path, for: request([.unknown, 2, 3, 4]))
      let some = try DatasetLoader.open(path: path, for: first)
      #expect(some.count == 2 && all.count > 2)
      let (cut, whole) = (try some.batch([0, 1]), try all.batch([0, 1]))
      #expect(cut.inputs == whole.inputs && cut.labels == whole.labels)
    }
  }

  @Test func `without a need for labels they are not read`() throws {
    var inputs = request([.unknown, 2, 3, 4])
    inputs.usesReference = false
    let data = try DatasetLoader.open(path: Fixtures.path("arrays/deflated.npz"), for: inputs)
    #expect(data.reference == .none)
  }
}
