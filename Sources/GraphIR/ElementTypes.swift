import TensorCore

/// Lists of element types as ONNX operator definitions name them.
extension [ElementType] {
  package static let float: [ElementType] = [.float32, .float64, .float16, .bfloat16]
  package static let integer: [ElementType] = [
    .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64,
  ]
  package static let numeric: [ElementType] = float + integer
  /// Where ONNX asks for `tensor(int64)` only.
  package static let index: [ElementType] = [.int64]
  /// Indices of Gather and Slice.
  package static let anyIndex: [ElementType] = [.int32, .int64]
  package static let any: [ElementType] = ElementType.allCases
}
