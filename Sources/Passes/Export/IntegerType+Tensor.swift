import AccumulatorBounds
import TensorCore

/// The types in which deployment formats hold integers.
extension IntegerType {
  /// The element type of tensors.
  ///
  /// - Precondition: it is one of the types that ``IntegerType`` names.
  var elementType: ElementType {
    switch self {
    case .int4: .int4
    case .uint4: .uint4
    case .int8: .int8
    case .uint8: .uint8
    case .int32: .int32
    default: preconditionFailure("no element type of \(bits) bits is written")
    }
  }

  /// Integers as a tensor, two in a byte where they have four bits.
  ///
  /// - Precondition: every code is in ``limits``.
  func tensor(_ codes: [Int], shape: [Int]) -> Tensor {
    switch elementType {
    case .int8: return Tensor(codes.map { Int8($0) }, shape: shape)
    case .uint8: return Tensor(codes.map { UInt8($0) }, shape: shape)
    case .int32: return Tensor(codes.map { Int32($0) }, shape: shape)
    default:
      let storage = TensorStorage(byteCount: (codes.count + 1) / 2) { bytes in
        for index in bytes.indices {
          let low = UInt8(truncatingIfNeeded: codes[2 * index]) & 0xF
          let high =
            2 * index + 1 < codes.count
            ? UInt8(truncatingIfNeeded: codes[2 * index + 1]) & 0xF : 0
          bytes[index] = high << 4 | low
        }
      }
      guard let tensor = Tensor(elementType: elementType, shape: shape, storage: storage) else {
        preconditionFailure("\(codes.count) codes for \(shape)")
      }
      return tensor
    }
  }
}
