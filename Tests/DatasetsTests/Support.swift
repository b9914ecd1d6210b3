import CZlib
import TensorCore
import TestSupport

import struct Foundation.Data
import struct Foundation.URL

@testable import Datasets

/// A request for one float32 input `input` of the given dimensions, dimension 0 counting samples.
func request(
  _ dimensions: [Dimension], layout: ImageLayout? = nil, normalization: Normalization = .identity,
  task: DatasetTask? = nil, classCount: Int? = nil
) -> DatasetRequest {
  DatasetRequest(
    inputs: [.init(name: "input", type: TensorType(.float32, dimensions))], layout: layout,
    normalization: normalization, task: task, classCount: classCount)
}

extension DatasetRequest {
  /// Any width and height, channels first.
  static let anyColor = request([.symbolic("N"), 3, .unknown, .unknown])
  static let anyGrey = request([.symbolic("N"), 1, .unknown, .unknown])
}

/// The error of opening data and reading its first and last sample, or `nil` where both succeed.
func failure(path: String, for request: DatasetRequest) -> DatasetError? {
  do throws(DatasetError) {
    let dataset = try DatasetLoader.open(path: path, for: request)
    _ = try dataset.batch([0])
    _ = try dataset.batch([dataset.count - 1])
    return nil
  } catch {
    return error
  }
}

func fileBytes(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}

/// An entry of an `.npz`, as 32-bit floats.
func npzEntry(_ path: String, _ name: String) throws -> Tensor {
  let archive = try ZipArchive(try DataFile(path))
  guard let entry = archive.entries.first(where: { $0.name == name + ".npy" }) else {
    throw DatasetError.missingEntry(path: path, entry: name, found: archive.entries.map(\.name))
  }
  return try NpyArray(try archive.content(of: entry), path: path).tensor()
}

/// HxWxC bytes in CxHxW order as floats.
func planar(_ pixels: Tensor) -> [Float] {
  let values = pixels.elements(of: UInt8.self)
  let channels = pixels.rank == 3 ? pixels.shape[2] : 1
  let count = values.count / channels
  return (0..<values.count).map { Float(values[$0 % count * channels + $0 / count]) }
}

/// A reproducible sequence of numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

func bigEndian(_ value: Int) -> [UInt8] {
  (0..<4).map { UInt8(value >> (24 - 8 * $0) & 0xFF) }
}

/// A PNG file of RGB pixels.
func png(width: Int, height: Int, _ pixels: [UInt8]) throws -> [UInt8] {
  func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + content
    let checksum = crc32(0, body, UInt32(body.count))
    return bigEndian(content.count) + body + bigEndian(Int(checksum))
  }
  // Each row begins with the filter 0.
  let length = 3 * width
  let rows: [UInt8] = (0..<height).flatMap { row -> [UInt8] in
    [0] + pixels[row * length..<(row + 1) * length]
  }
  var size = compressBound(UInt(rows.count))
  var packed = [UInt8](repeating: 0, count: Int(size))
  guard compress(&packed, &size, rows, UInt(rows.count)) == Z_OK else {
    throw DatasetError.codec(path: "", format: .png, message: "zlib can't compress")
  }
  var bytes = PNGDecoder.signature
  bytes += chunk("IHDR", bigEndian(width) + bigEndian(height) + [8, 2, 0, 0, 0])
  bytes += chunk("IDAT", Array(packed[..<Int(size)]))
  bytes += chunk("IEND", [])
  return bytes
}

/// An IDX file of unsigned bytes.
func idx(_ shape: [Int], _ bytes: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(shape.count)] + shape.flatMap(bigEndian) + bytes
}

extension AugmentationDraws {
  /// Seeds 0, 1, ... for as many samples.
  init(_ text: String, count: Int) throws {
    self.init(try Augmentation(parsing: text), seeds: (0..<UInt64(count)).map { $0 })
  }
}

extension Tensor {
  /// The elements of one sample.
  func sample(_ index: Int) -> [Float] {
    let length = count / shape[0]
    return Array(elements(of: Float.self)[index * length..<(index + 1) * length])
  }
}
