extension Tensor {
  /// The elements as 32-bit floats, in row-major order; `nil` for strings, complex and 8-bit float types.
  public func convertedToFloat() -> Tensor? {
    if elementType == .float32 { return self }
    guard let values = numbers(as: Float.self) else { return nil }
    return Tensor(values, shape: shape)
  }

  /// The elements as `Int`; `nil` unless the tensor holds integers or booleans, and where one exceeds `Int.max`.
  public func integers() -> [Int]? {
    switch elementType {
    case .int8: elements(of: Int8.self).map(Int.init)
    case .uint8: elements(of: UInt8.self).map(Int.init)
    case .int16: elements(of: Int16.self).map(Int.init)
    case .uint16: elements(of: UInt16.self).map(Int.init)
    case .int32: elements(of: Int32.self).map(Int.init)
    case .uint32: elements(of: UInt32.self).map(Int.init)
    case .int64: elements(of: Int64.self).map(Int.init)
    case .uint64: exactly(elements(of: UInt64.self))
    case .bool: storage.withBytes { $0.map { $0 == 0 ? 0 : 1 } }
    case .int4, .uint4: nibbles()
    default: nil
    }
  }

  /// The same numbers in another element type; `nil` where one of them has no equal there, or the types are none of
  /// integers, booleans and floats. Floats are rounded to single precision, and to no other type.
  public func converted(exactlyTo type: ElementType) -> Tensor? {
    if elementType == type { return self }
    switch type {
    case .float32: return convertedToFloat()
    case .bool:
      guard let values = integers(), values.allSatisfy({ $0 == 0 || $0 == 1 }) else { return nil }
      return Tensor(values.map { $0 == 1 }, shape: shape)
    case .int8: return integers(as: Int8.self)
    case .uint8: return integers(as: UInt8.self)
    case .int16: return integers(as: Int16.self)
    case .uint16: return integers(as: UInt16.self)
    case .int32: return integers(as: Int32.self)
    case .uint32: return integers(as: UInt32.self)
    case .int64: return integers(as: Int64.self)
    case .uint64: return integers(as: UInt64.self)
    default: return nil
    }
  }

  private func integers<T: TensorElement & FixedWidthInteger>(as type: T.Type) -> Tensor? {
    guard let values = integers() else { return nil }
    let converted = values.compactMap { T(exactly: $0) }
    return converted.count == values.count ? Tensor(converted, shape: shape) : nil
  }

  private func exactly(_ elements: [UInt64]) -> [Int]? {
    let integers = elements.compactMap { Int(exactly: $0) }
    return integers.count == elements.count ? integers : nil
  }

  private func nibbles() -> [Int] {
    storage.withBytes { bytes in
      (0..<count).map { index in
        let byte = bytes[index / 2]
        let nibble = index % 2 == 0 ? byte & 0xF : byte >> 4
        return elementType == .int4 && nibble >= 8 ? Int(nibble) - 16 : Int(nibble)
      }
    }
  }

  private func numbers<F: BinaryFloatingPoint>(as type: F.Type) -> [F]? {
    switch elementType {
    case .float32: elements(of: Float.self).map { F($0) }
    case .float64: elements(of: Double.self).map { F($0) }
    case .float16: bits16().map { F(HalfPrecision.float(fromFloat16: $0)) }
    case .bfloat16: bits16().map { F(HalfPrecision.float(fromBFloat16: $0)) }
    default: integers()?.map { F($0) }
    }
  }

  private func bits16() -> [UInt16] {
    storage.withBytes { bytes in
      (0..<count).map { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
    }
  }
}

/// Exact widening of the 16-bit float formats, and rounding to them (to nearest, ties to even).
package enum HalfPrecision {
  package static func float(fromBFloat16 bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
  }

  package static func float(fromFloat16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = Int((bits >> 10) & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
      // A subnormal number is fraction x 2^-24, which is exact in single precision.
      let magnitude = Float(fraction) * Float(sign: .plus, exponent: -24, significand: 1)
      return Float(bitPattern: magnitude.bitPattern | sign)
    case 31:
      return Float(bitPattern: sign | 0x7F80_0000 | (fraction << 13))
    default:
      return Float(bitPattern: sign | UInt32(exponent + 112) << 23 | fraction << 13)
    }
  }

  package static func bfloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 16) | 0x40 }
    return UInt16((bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
  }

  package static func float16(_ value: Float) -> UInt16 {
    let sign = UInt16((value.bitPattern >> 16) & 0x8000)
    let magnitude = value.magnitude
    if value.isNaN { return sign | 0x7E00 }
    if magnitude >= 65520 { return sign | 0x7C00 }
    if magnitude < Float(sign: .plus, exponent: -14, significand: 1) {
      // The product is exact, so one rounding to the subnormal grid remains.
      let steps = (magnitude * Float(sign: .plus, exponent: 24, significand: 1)).rounded(
        .toNearestOrEven)
      return sign | UInt16(steps)
    }
    let bits = magnitude.bitPattern
    let rounded = (bits &+ 0xFFF &+ ((bits >> 13) & 1)) >> 13
    return sign | UInt16(rounded &- (112 << 10))
  }
}
