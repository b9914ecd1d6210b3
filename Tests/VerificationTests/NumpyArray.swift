import Foundation

/// The integers of a `.npy` file of version 1, for comparison with reference arrays.
struct NumpyArray {
  let shape: [Int]
  let integers: [Int64]

  init(contentsOf url: URL) throws {
    let data = try Data(contentsOf: url)
    let bytes = [UInt8](data)
    guard bytes.count > 10, bytes[1...5].elementsEqual("NUMPY".utf8) else {
      throw CocoaError(.fileReadCorruptFile)
    }
    let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
    let header = String(decoding: bytes[10..<start], as: UTF8.self)
    func field(_ name: String, _ end: Character) -> Substring {
      header.range(of: "'\(name)': ").map { header[$0.upperBound...].prefix { $0 != end } } ?? ""
    }
    shape = field("shape", ")").dropFirst().split(separator: ",").compactMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    let body = bytes[start...]
    integers =
      switch field("descr", ",").dropFirst(2).dropLast() {
      case "i1": body.map { Int64(Int8(bitPattern: $0)) }
      case "i4": Self.read(body, Int32.self)
      case "i8": Self.read(body, Int64.self)
      case "f4": Self.read(body, UInt32.self).map { Int64(Float(bitPattern: UInt32($0))) }
      default: throw CocoaError(.fileReadCorruptFile)
      }
  }

  private static func read<T: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>, _ type: T.Type)
    -> [Int64]
  {
    let size = MemoryLayout<T>.size
    return stride(from: bytes.startIndex, to: bytes.endIndex, by: size).map { start in
      bytes[start..<start + size].withUnsafeBytes { Int64($0.loadUnaligned(as: T.self)) }
    }
  }
}
