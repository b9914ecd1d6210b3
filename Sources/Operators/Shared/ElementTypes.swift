import TensorCore

/// Lists of element types as ONNX operator definitions name them.
extension [ElementType] {
  static let float: [ElementType] = [.float32, .float64, .float16, .bfloat16]
  static let integer: [ElementType] = [
    .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64,
  ]
  static let numeric: [ElementType] = float + integer
  /// Where ONNX asks for `tensor(int64)` only.
  static let index: [ElementType] = [.int64]
  /// Indices of Gather and Slice.
  static let anyIndex: [ElementType] = [.int32, .int64]
  static let any: [ElementType] = ElementType.allCases
}
