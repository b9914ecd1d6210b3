import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import OnnxFormat

/// Tensors in every encoding, right and wrong.
@Suite struct TensorDataTests {
  static func read(
    dims: [Int], type: Int?, data: @escaping (inout WireMessage) -> Void = { _ in }
  ) -> Result<Tensor, FormatProblem> {
    var model = ModelBytes()
    model.initializers.append(ModelBytes.tensor("t", dims: dims, type: type, data: data))
    do throws(FormatError) {
      let graph = try model.read().graph
      let tensor = graph.value(named: "t").flatMap { graph[$0].constant }
      return tensor.map { .success($0) } ?? .failure(.noGraph)
    } catch {
      return .failure(error.problem)
    }
  }

  // MARK: Right

  /// Each element type with its typed field, the entries of that field, and the bytes that must result.
  static let typed:
    [(type: ElementType, dims: [Int], field: Int, content: [UInt8], bytes: [UInt8])] =
      [
        (.float32, [1], 4, [0, 0, 0x80, 0x3F], [0, 0, 0x80, 0x3F]),
        (
          .complex64, [1], 4, [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40], [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
        ),
        (.float64, [1], 10, [0, 0, 0, 0, 0, 0, 0xF0, 0x3F], [0, 0, 0, 0, 0, 0, 0xF0, 0x3F]),
        (.int32, [2], 5, WireMessage.packed([-2, 3]), [0xFE, 0xFF, 0xFF, 0xFF, 3, 0, 0, 0]),
        (.int64, [1], 7, WireMessage.packed([-2]), [0xFE] + [UInt8](repeating: 0xFF, count: 7)),
        (.uint64, [1], 11, WireMessage.packed([-2]), [0xFE] + [UInt8](repeating: 0xFF, count: 7)),
        (
          .uint32, [2], 11, WireMessage.packed([1, 0xFFFF_FFFF]), [1, 0, 0, 0, 255, 255, 255, 255]
        ),
        (.int16, [2], 5, WireMessage.packed([-2, 3]), [0xFE, 0xFF, 3, 0]),
        (.uint16, [2], 5, WireMessage.packed([0xFFFE, 3]), [0xFE, 0xFF, 3, 0]),
        (.int8, [3], 5, WireMessage.packed([-128, 127, -1]), [0x80, 0x7F, 0xFF]),
        (.uint8, [2], 5, WireMessage.packed([255, 1]), [255, 1]),
        (.bool, [3], 5, WireMessage.packed([0, 1, 256]), [0, 1, 1]),
        (.float16, [2], 5, WireMessage.packed([0x3C00, 0xC000]), [0, 0x3C, 0, 0xC0]),
        // A bit pattern above 0x7FFF that the writer took for a negative number.
        (.bfloat16, [1], 5, WireMessage.packed([-0x4080]), [0x80, 0xBF]),
        (.float8E4M3FN, [2], 5, WireMessage.packed([0x38, 0xB8]), [0x38, 0xB8]),
        (.int4, [3], 5, WireMessage.packed([0x21, 0x0F]), [0x21, 0x0F]),
        (.uint4, [2, 2], 5, WireMessage.packed([0x21, 0x43]), [0x21, 0x43]),
      ]

  @Test(arguments: typed.indices)
  func `typed fields and raw data give the same tensor`(row: Int) throws {
    let (type, dims, field, content, bytes) = Self.typed[row]
    let fromField = try Self.read(dims: dims, type: Int(type.rawValue)) {
      $0.bytes(field, content)
    }.get()
    let fromRaw = try Self.read(dims: dims, type: Int(type.rawValue)) { $0.bytes(9, bytes) }.get()
    #expect(fromField.elementType == type && fromField.shape == dims)
    #expect(Array(fromField.storage.bytes) == bytes)
    #expect(fromRaw == fromField)
  }

  @Test func `entries that are not packed are read`() throws {
    let tensor = try Self.read(dims: [3], type: 6) {
      $0.int(5, 7)
      $0.bytes(5, WireMessage.packed([-1]))
      $0.int(5, 9)
    }.get()
    #expect(tensor.elements(of: Int32.self) == [7, -1, 9])
  }

  @Test func `a list of floats in several pieces is joined`() throws {
    let tensor = try Self.read(dims: [4], type: 1) {
      $0.bytes(4, [])
      $0.bytes(4, [0, 0, 0x80, 0x3F])
      $0.bytes(4, [0, 0, 0, 0x40, 0, 0, 0x40, 0x40])
      $0.float(4, 4)
      $0.bytes(9, [])
    }.get()
    #expect(tensor.elements(of: Float.self) == [1, 2, 3, 4])
    let second = try Self.read(dims: [2], type: 11) {
      $0.bytes(10, [0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
      $0.bytes(10, [0, 0, 0, 0, 0, 0, 0, 0x40])
    }.get()
    #expect(second.elements(of: Double.self) == [1, 2])
  }

  @Test func `strings are kept byte by byte`() throws {
    let tensor = try Self.read(dims: [2], type: 8) {
      $0.bytes(6, [0xFF, 0x00])
      $0.bytes(6, [])
    }.get()
    #expect(tensor.strings == [[0xFF, 0x00], []])
  }

  @Test func `a boolean byte that is neither 0 nor 1 becomes 1`() throws {
    let tensor = try Self.read(dims: [3], type: 9) { $0.bytes(9, [0, 2, 255]) }.get()
    #expect(tensor.elements(of: Bool.self) == [false, true, true])
  }

  @Test func `a tensor without elements needs no data`() throws {
    #expect(try Self.read(dims: [0, 5], type: 1).get().count == 0)
  }

  @Test func `data after any number of bytes is aligned for typed access`() throws {
    for padding in 0..<8 {
      let tensor = try Self.read(dims: [1], type: 11) {
        $0.string(12, String(repeating: "x", count: padding))
        $0.bytes(9, [0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
      }.get()
      #expect(Int(bitPattern: tensor.storage.bytes.baseAddress) % 8 == 0)
      #expect(tensor.elements(of: Double.self) == [1])
    }
  }

  // MARK: Wrong

  @Test func `data shorter or longer than its shape is refused`() {
    for count in [0, 7, 9, 12] {
      let result = Self.read(dims: [2], type: 1) {
        $0.bytes(9, [UInt8](repeating: 0, count: count))
      }
      #expect(
        result == .failure(.tensor(name: "t", .byteCount(expected: 8, actual: count))))
    }
    #expect(
      Self.read(dims: [2], type: 6) { $0.bytes(5, WireMessage.packed([1, 2, 3])) }
        == .failure(
          .tensor(name: "t", .elementCount(field: "int32_data", expected: 2, actual: 3))))
    #expect(
      Self.read(dims: [3], type: 22) { $0.bytes(5, WireMessage.packed([1, 2, 3])) }
        == .failure(
          .tensor(name: "t", .elementCount(field: "int32_data", expected: 2, actual: 3))))
    #expect(
      Self.read(dims: [2], type: 8) { $0.string(6, "one") }
        == .failure(
          .tensor(name: "t", .elementCount(field: "string_data", expected: 2, actual: 1))))
    #expect(
      Self.read(dims: [1], type: 22) { $0.bytes(9, [1, 2]) }
        == .failure(.tensor(name: "t", .byteCount(expected: 1, actual: 2))))
  }

  @Test func `dimensions that can't be are refused`() {
    #expect(
      Self.read(dims: [3, -1], type: 1)
        == .failure(.tensor(name: "t", .negativeDimension(axis: 1, size: -1))))
    for shape in [[1 << 32, 1 << 32], [Int.max], [Int.max, 2], [1 << 61], [Int.max, 0, Int.max]] {
      #expect(
        Self.read(dims: shape, type: 1)
          == .failure(.tensor(name: "t", .tooManyElements(shape: shape)))
      )
    }
    #expect(
      Self.read(dims: [1 << 40], type: 1)
        == .failure(.tensor(name: "t", .byteCount(expected: 1 << 42, actual: 0))))
    #expect(
      Self.read(dims: [1 << 62], type: 14)
        == .failure(.tensor(name: "t", .tooManyElements(shape: [1 << 62]))))
  }

  @Test func `an element type that is missing or unknown is refused`() {
    #expect(Self.read(dims: [], type: nil) == .failure(.tensor(name: "t", .noElementType)))
    #expect(Self.read(dims: [], type: 0) == .failure(.tensor(name: "t", .noElementType)))
    #expect(
      Self.read(dims: [], type: 77) == .failure(.tensor(name: "t", .unknownElementType(77))))
  }

  @Test func `data in the wrong field, or in two, is refused`() {
    #expect(
      Self.read(dims: [1], type: 1) { $0.bytes(5, [1]) }
        == .failure(.tensor(name: "t", .wrongDataField(field: "int32_data", type: .float32))))
    #expect(
      Self.read(dims: [1], type: 8) { $0.bytes(9, [1]) }
        == .failure(.tensor(name: "t", .wrongDataField(field: "raw_data", type: .string))))
    #expect(
      Self.read(dims: [1], type: 1) {
        $0.bytes(9, [0, 0, 0, 0])
        $0.bytes(4, [0, 0, 0, 0])
      } == .failure(.tensor(name: "t", .severalDataFields(["raw_data", "float_data"]))))
    #expect(
      Self.read(dims: [1], type: 6) {
        $0.bytes(5, [1])
        $0.bytes(9, [1, 0, 0, 0])
      } == .failure(.tensor(name: "t", .severalDataFields(["raw_data", "int32_data"]))))
    for first in [4, 9] {
      guard
        case .failure(.malformed(field: "TensorProto.raw_data", offset: _, .repeated)) = Self.read(
          dims: [1], type: 1,
          data: {
            $0.bytes(first, [0, 0, 0, 0])
            $0.bytes(9, [0, 0, 0, 0])
          })
      else {
        Issue.record("data in field \(first) and raw_data")
        continue
      }
    }
    #expect(
      Self.read(dims: [1], type: 1) { $0.message(3) { $0.int(1, 0) } }
        == .failure(.tensor(name: "t", .segmented)))
  }
}
