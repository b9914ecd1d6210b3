/// The element type of a tensor, with the raw values of ONNX `TensorProto.DataType`.
public enum ElementType: Int32, Sendable, Hashable, CaseIterable {
  case float32 = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case string = 8
  case bool = 9
  case float16 = 10
  case float64 = 11
  case uint32 = 12
  case uint64 = 13
  case complex64 = 14
  case complex128 = 15
  case bfloat16 = 16
  case float8E4M3FN = 17
  case float8E4M3FNUZ = 18
  case float8E5M2 = 19
  case float8E5M2FNUZ = 20
  case uint4 = 21
  case int4 = 22

  /// The size of one element in bits; `nil` for strings, which have no fixed size.
  public var bitWidth: Int? {
    switch self {
    case .uint4, .int4: 4
    case .uint8, .int8, .bool, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ: 8
    case .uint16, .int16, .float16, .bfloat16: 16
    case .float32, .int32, .uint32: 32
    case .int64, .uint64, .float64, .complex64: 64
    case .complex128: 128
    case .string: nil
    }
  }

  /// Whether this is a real floating-point type of 16 bits or more.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16: true
    default: false
    }
  }

  /// Whether this is a signed or unsigned integer type, including four-bit ones but not `bool`.
  public var isInteger: Bool {
    switch self {
    case .uint8, .int8, .uint16, .int16, .int32, .int64, .uint32, .uint64, .uint4, .int4: true
    default: false
    }
  }

  /// The type's name in ONNX documents, in lower case, such as `float`, `int64` and `bfloat16`.
  public var onnxName: String {
    switch self {
    case .float32: "float"
    case .float64: "double"
    default: "\(self)".lowercased()
    }
  }

  /// The number of bytes that `count` elements take; `nil` where there is no fixed size or the product overflows.
  ///
  /// Four-bit elements are packed two in a byte, and the last byte is padded (ONNX 1.16).
  public func byteCount(elements count: Int) -> Int? {
    guard let bitWidth, count >= 0 else { return nil }
    if bitWidth == 4 { return count / 2 + count % 2 }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: bitWidth / 8)
    return overflow ? nil : bytes
  }
}

/// A Swift type whose memory layout is that of an ONNX element type.
public protocol TensorElement: BitwiseCopyable, Sendable {
  static var elementType: ElementType { get }
}

extension Float: TensorElement { public static var elementType: ElementType { .float32 } }
extension Double: TensorElement { public static var elementType: ElementType { .float64 } }
extension Int8: TensorElement { public static var elementType: ElementType { .int8 } }
extension UInt8: TensorElement { public static var elementType: ElementType { .uint8 } }
extension Int16: TensorElement { public static var elementType: ElementType { .int16 } }
extension UInt16: TensorElement { public static var elementType: ElementType { .uint16 } }
extension Int32: TensorElement { public static var elementType: ElementType { .int32 } }
extension UInt32: TensorElement { public static var elementType: ElementType { .uint32 } }
extension Int64: TensorElement { public static var elementType: ElementType { .int64 } }
extension UInt64: TensorElement { public static var elementType: ElementType { .uint64 } }
extension Bool: TensorElement { public static var elementType: ElementType { .bool } }
