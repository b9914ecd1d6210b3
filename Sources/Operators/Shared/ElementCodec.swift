import TensorCore

/// Reads and writes single elements of any numeric type, for conversions.
struct ElementCodec: Sendable {
  /// An element without loss: integers and floats stay apart, since neither holds all of the other.
  enum Number {
    case integer(Int64)
    case unsigned(UInt64)
    case real(Double)
  }

  private let type: ElementType

  /// `nil` for strings, complex numbers, and types of less than two bytes that aren't integers.
  init?(_ type: ElementType) {
    switch type {
    case .float32, .float64, .float16, .bfloat16, .int8, .uint8, .int16, .uint16, .int32, .uint32,
      .int64, .uint64, .bool:
      self.type = type
    default: return nil
    }
  }

  func load(_ memory: UnsafeRawPointer, _ index: Int) -> Number {
    func integer<T: BinaryInteger>(_ type: T.Type) -> Number {
      .integer(Int64(memory.assumingMemoryBound(to: type)[index]))
    }
    let halves = memory.assumingMemoryBound(to: UInt16.self)
    return switch type {
    case .float32: .real(Double(memory.assumingMemoryBound(to: Float.self)[index]))
    case .float64: .real(memory.assumingMemoryBound(to: Double.self)[index])
    case .float16: .real(Double(HalfPrecision.float(fromFloat16: halves[index])))
    case .bfloat16: .real(Double(HalfPrecision.float(fromBFloat16: halves[index])))
    case .int8: integer(Int8.self)
    case .int16: integer(Int16.self)
    case .int32: integer(Int32.self)
    case .int64: integer(Int64.self)
    case .uint8: integer(UInt8.self)
    case .uint16: integer(UInt16.self)
    case .uint32: integer(UInt32.self)
    case .uint64: .unsigned(memory.assumingMemoryBound(to: UInt64.self)[index])
    default: .integer(memory.assumingMemoryBound(to: UInt8.self)[index] == 0 ? 0 : 1)
    }
  }

  func store(_ number: Number, _ memory: UnsafeMutableRawPointer, _ index: Int) {
    func put<T>(_ value: T) { memory.assumingMemoryBound(to: T.self)[index] = value }
    switch type {
    case .float32: put(number.float)
    case .float64: put(number.double)
    case .float16: put(HalfPrecision.float16(number.float))
    case .bfloat16: put(HalfPrecision.bfloat16(number.float))
    case .int8: put(number.integer(Int8.self))
    case .int16: put(number.integer(Int16.self))
    case .int32: put(number.integer(Int32.self))
    case .int64: put(number.integer(Int64.self))
    case .uint8: put(number.integer(UInt8.self))
    case .uint16: put(number.integer(UInt16.self))
    case .uint32: put(number.integer(UInt32.self))
    case .uint64: put(number.integer(UInt64.self))
    default: put(number.isZero ? UInt8(0) : 1)
    }
  }
}

extension ElementCodec.Number {
  var float: Float {
    switch self {
    case .integer(let value): Float(value)
    case .unsigned(let value): Float(value)
    case .real(let value): Float(value)
    }
  }

  var double: Double {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .real(let value): value
    }
  }

  var isZero: Bool {
    switch self {
    case .integer(let value): value == 0
    case .unsigned(let value): value == 0
    case .real(let value): value == 0
    }
  }

  /// Integers wrap around; floats are truncated and saturate, NaN becomes 0.
  func integer<T: FixedWidthInteger>(_ type: T.Type) -> T {
    switch self {
    case .integer(let value): return T(truncatingIfNeeded: value)
    case .unsigned(let value): return T(truncatingIfNeeded: value)
    case .real(let value):
      if value.isNaN { return 0 }
      // Bounds that a double holds exactly: one past the greatest is a power of two.
      if value
        >= Double(sign: .plus, exponent: T.isSigned ? T.bitWidth - 1 : T.bitWidth, significand: 1)
      {
        return .max
      }
      if value <= Double(T.min) { return .min }
      return T(value)
    }
  }
}
