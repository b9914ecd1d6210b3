import TensorCore
import TestSupport
import Testing

@testable import Datasets

@Suite struct NpyFileTests {
  /// The values of fixtures/generate/images.py: 24 from 0, or from -5 for signed types.
  static func ramp(isSigned: Bool) -> [Float] { (0..<24).map { Float($0) + (isSigned ? -5 : 0) } }

  @Test(
    arguments: [
      ("u1", ElementType.uint8), ("u2", .uint16), ("u4", .uint32), ("u8", .uint64), ("i1", .int8),
      ("i2", .int16), ("i4", .int32), ("i8", .int64), ("f2", .float16), ("f4", .float32),
      ("f8", .float64), ("big-i2", .int16), ("big-f4", .float32), ("big-f8", .float64),
      ("fortran", .float32), ("fortran-big", .int32), ("version-2", .float32),
      ("version-3", .float32),
    ])
  func `an array that NumPy saved is read as it was`(name: String, type: ElementType) throws {
    let tensor = try NpyFile.read(Fixtures.path("arrays/\(name).npy"))
    #expect(tensor.elementType == type)
    #expect(tensor.shape == [2, 3, 4])
    let values = try #require(tensor.convertedToFloat()).elements(of: Float.self)
    #expect(values == Self.ramp(isSigned: !name.hasPrefix("u")))
  }

  @Test func `booleans, scalars and empty arrays are read`() throws {
    let flags = try NpyFile.read(Fixtures.path("arrays/b1.npy"))
    #expect(flags.elements(of: Bool.self) == [false] + Array(repeating: true, count: 23))
    let scalar = try NpyFile.read(Fixtures.path("arrays/scalar.npy"))
    #expect(scalar == Tensor(scalar: Float(2.5)))
    #expect(try NpyFile.read(Fixtures.path("arrays/empty.npy")).shape == [0, 3])
  }

  @Test(arguments: [
    ("complex", "element type '<c8'"), ("records", "records of several fields"),
    ("objects", "Python objects"),
  ])
  func `what is not numbers is refused by its type`(name: String, feature: String) {
    let path = Fixtures.path("arrays/\(name).npy")
    let error = #expect(throws: DatasetError.self) { try NpyFile.read(path) }
    #expect(error.map { "\($0)".contains(feature) && "\($0)".contains(path) } ?? false)
  }

  @Test func `a written array is read back the same`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.npy")
    let tensors = [
      Tensor([1.5, -2, 3] as [Float], shape: [3]), Tensor(scalar: Int64(-7)),
      Tensor([true, false], shape: [2, 1]), Tensor([Double](), shape: [0, 4]),
    ]
    for tensor in tensors {
      try NpyFile.write(tensor, to: path)
      #expect(try NpyFile.read(path) == tensor)
    }
    #expect(try folder.contents() == ["a.npy"])
  }

  @Test(.enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)))
  func `NumPy reads what is written, bfloat16 widened`() throws {
    let folder = try TemporaryFolder()
    let bits: [UInt16] = [0x3F80, 0xC000]
    let storage = bits.withUnsafeBytes { bytes in
      TensorStorage(byteCount: 4) { $0.copyMemory(from: bytes) }
    }
    let brief = try #require(Tensor(elementType: .bfloat16, shape: [1, 2], storage: storage))
    try NpyFile.write(brief, to: folder.path("brief.npy"))
    try NpyFile.write(
      Tensor([1, 2, 3] as [Int16], shape: [3, 1, 1]), to: folder.path("short.npy"))
    let result = try Peers.runPython(
      """
      import sys, numpy as np
      for path in sys.argv[1:]:
          a = np.load(path)
          print(a.dtype, a.shape, a.ravel().tolist())
      """, [folder.path("brief.npy"), folder.path("short.npy")])
    #expect(result.output == "float32 (1, 2) [1.0, -2.0]\nint16 (3, 1, 1) [1, 2, 3]\n")
  }

  @Test func `an array that can't be written leaves what was there, and says so`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("none/a.npy")
    let error = #expect(throws: DatasetError.self) {
      try NpyFile.write(Tensor(scalar: Float(1)), to: path)
    }
    #expect(error?.isOutput == true)
    #expect(try folder.contents().isEmpty)
  }

  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 4611686018427387904, 4611686018427387904), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)",
    "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }",
    "{'descr': '<f4', 'shape': (2,), }",
    "{'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '', 'fortran_order': False, 'shape': (2,), }",
    "not a dictionary", "",
  ])
  func `a header that contradicts itself or the data is refused or harmless`(header: String) throws
  {
    let folder = try TemporaryFolder()
    let length = UInt8(header.utf8.count)
    let bytes =
      NpyHeader.magic + [1, 0, length, 0] + Array(header.utf8) + [UInt8](repeating: 1, count: 8)
    let path = try folder.write(bytes, to: "a.npy")
    let error = #expect(throws: DatasetError.self) { try NpyFile.read(path) }
    #expect(error.map { "\($0)".hasPrefix(path) } ?? false)
  }

  @Test func `every truncation is refused`() throws {
    let folder = try TemporaryFolder()
    for name in ["f4", "fortran-big", "version-2", "version-3"] {
      let bytes = try fileBytes(Fixtures.path("arrays/\(name).npy"))
      for length in bytes.indices {
        let path = try folder.write(Array(bytes[..<length]), to: "a.npy")
        #expect(throws: DatasetError.self) { try NpyFile.read(path) }
      }
    }
  }
}
