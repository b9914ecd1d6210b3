import Foundation

/// A `.npy` array of reference data: little-endian, row-major.
package struct NumpyFile: Sendable {
  package let shape: [Int]
  private let type: String
  private let data: Data

  /// The array of a file, or `nil` where it holds none.
  package init?(_ url: URL) {
    guard let file = try? Data(contentsOf: url) else { return nil }
    self.init(file)
  }

  /// The array in the bytes of a file, or `nil` where they hold none.
  package init?(_ file: Data) {
    let file = Data(file)
    guard file.count > 10, file.prefix(6) == Data([0x93] + Array("NUMPY".utf8)), file[6] == 1
    else { return nil }
    let end = 10 + Int(file[8]) + Int(file[9]) << 8
    guard file.count >= end else { return nil }
    let header = String(decoding: file[10..<end], as: UTF8.self)
    guard !header.contains("'fortran_order': True"),
      let type = header.firstMatch(of: /'descr': '[<|]([a-z]\d)'/)?.output.1,
      let shape = header.firstMatch(of: /'shape': \(([\d, ]*)\)/)?.output.1
    else { return nil }
    self.type = String(type)
    self.shape = shape.split(separator: ",").compactMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    self.data = file[end...]
  }

  /// The elements of a float32 array.
  package var floats: [Float]? { type == "f4" ? elements(of: Float.self) : nil }

  /// The elements of an integer array.
  package var integers: [Int]? {
    switch type {
    case "i1": elements(of: Int8.self).map(Int.init)
    case "i4": elements(of: Int32.self).map(Int.init)
    case "i8": elements(of: Int64.self).map(Int.init)
    default: nil
    }
  }

  private func elements<Element: BitwiseCopyable>(of type: Element.Type) -> [Element] {
    data.withUnsafeBytes { bytes in
      (0..<bytes.count / MemoryLayout<Element>.stride).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: type)
      }
    }
  }

  /// The arrays of an uncompressed `.npz`, by name; `nil` where the file is none.
  package static func archive(_ url: URL) -> [String: NumpyFile]? {
    guard let file = try? Data(contentsOf: url) else { return nil }
    func number(at offset: Int, bytes: Int) -> Int {
      (0..<bytes).reversed().reduce(0) { $0 << 8 | Int(file[offset + $1]) }
    }
    var arrays: [String: NumpyFile] = [:]
    var offset = 0
    // Local file headers, each followed by its data, up to the central directory.
    while offset + 30 <= file.count, number(at: offset, bytes: 4) == 0x0403_4B50 {
      let size = number(at: offset + 18, bytes: 4)
      let name = offset + 30..<offset + 30 + number(at: offset + 26, bytes: 2)
      let start = name.upperBound + number(at: offset + 28, bytes: 2)
      guard number(at: offset + 8, bytes: 2) == 0, start + size <= file.count,
        let array = NumpyFile(file[start..<start + size])
      else { return nil }
      let entry = String(decoding: file[name], as: UTF8.self)
      arrays[String(entry.prefix(entry.count - ".npy".count))] = array
      offset = start + size
    }
    return arrays
  }
}
