import TensorCore

/// Lists of element types as ONNX operator definitions name them.
extension [ElementType] {
  public static let float: [ElementType] = [.float32, .float64, .float16, .bfloat16]
  public static let integer: [ElementType] = [
    .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64,
  ]
  public static let numeric: [ElementType] = float + integer
  /// Where ONNX asks for `tensor(int64)` only.
  public static let index: [ElementType] = [.int64]
  /// Indices of Gather and Slice.
  public static let anyIndex: [ElementType] = [.int32, .int64]
  public static let any: [ElementType] = ElementType.allCases
}
