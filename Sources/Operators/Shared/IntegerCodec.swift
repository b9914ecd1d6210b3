import AccumulatorBounds
import GraphIR
import TensorCore

/// Reads and writes single integers of 4 to 32 bits; those of four bits stand two in a byte, the first one
/// in its low half.
struct IntegerCodec: Sendable {
  private let type: ElementType
  let limits: ClosedRange<Int>

  /// `nil` for a type that isn't an integer of at most 32 bits.
  init?(_ type: ElementType) {
    guard let integers = IntegerType(type), integers.bits <= 32 else { return nil }
    self.type = type
    limits = integers.limits
  }

  func load(_ memory: UnsafeRawPointer, _ index: Int) -> Int {
    switch type {
    case .int8: return Int(memory.assumingMemoryBound(to: Int8.self)[index])
    case .uint8: return Int(memory.assumingMemoryBound(to: UInt8.self)[index])
    case .int16: return Int(memory.assumingMemoryBound(to: Int16.self)[index])
    case .uint16: return Int(memory.assumingMemoryBound(to: UInt16.self)[index])
    case .int32: return Int(memory.assumingMemoryBound(to: Int32.self)[index])
    case .uint32: return Int(memory.assumingMemoryBound(to: UInt32.self)[index])
    default:
      let byte = memory.assumingMemoryBound(to: UInt8.self)[index / 2]
      let half = Int(index % 2 == 0 ? byte & 0xF : byte >> 4)
      return half > limits.upperBound ? half - 16 : half
    }
  }

  /// - Precondition: the value lies within ``limits``; halves of a byte are written in ascending order.
  func store(_ value: Int, _ memory: UnsafeMutableRawPointer, _ index: Int) {
    switch type {
    case .int8: memory.assumingMemoryBound(to: Int8.self)[index] = Int8(value)
    case .uint8: memory.assumingMemoryBound(to: UInt8.self)[index] = UInt8(value)
    case .int16: memory.assumingMemoryBound(to: Int16.self)[index] = Int16(value)
    case .uint16: memory.assumingMemoryBound(to: UInt16.self)[index] = UInt16(value)
    case .int32: memory.assumingMemoryBound(to: Int32.self)[index] = Int32(value)
    case .uint32: memory.assumingMemoryBound(to: UInt32.self)[index] = UInt32(value)
    default:
      let bytes = memory.assumingMemoryBound(to: UInt8.self)
      let half = UInt8(value & 0xF)
      bytes[index / 2] = index % 2 == 0 ? half : bytes[index / 2] & 0xF | half << 4
    }
  }

  /// `x` rounded to nearest, ties to even, plus the zero point, saturated; NaN is the zero point.
  func code(_ x: Float, zero: Int) -> Int {
    let rounded = Double(x.rounded(.toNearestOrEven)) + Double(zero)
    if rounded.isNaN { return zero }
    return Int(min(max(rounded, Double(limits.lowerBound)), Double(limits.upperBound)))
  }
}
