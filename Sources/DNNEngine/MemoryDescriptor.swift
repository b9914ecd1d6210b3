import COneDNN
import TensorCore

/// How the elements of a tensor stand in memory: strides, blocks and padding, as oneDNN describes them.
///
/// Shape letters follow ONNX; the order of dimensions is the logical one, whatever the layout.
public struct MemoryDescriptor: Sendable {
  /// The descriptor is several hundred bytes, so copies share it.
  private final class Storage: Sendable {
    let raw: dnnl_memory_desc_t
    init(_ raw: dnnl_memory_desc_t) { self.raw = raw }
  }

  private let storage: Storage
  var raw: dnnl_memory_desc_t { storage.raw }

  init(_ raw: dnnl_memory_desc_t) { storage = Storage(raw) }

  /// The greatest rank that oneDNN takes.
  public static let maximumRank = Int(DNNL_MAX_NDIMS)

  /// Row-major order. A scalar is a vector of one element.
  ///
  /// - Throws: ``EngineError`` for a rank above ``maximumRank``.
  public init(rowMajor shape: [Int], _ type: EngineElement = .float32) throws(EngineError) {
    let shape = shape.isEmpty ? [1] : shape
    try self.init(shape: shape, strides: Shape.strides(shape), type)
  }

  /// Any strides, in elements.
  ///
  /// - Throws: ``EngineError`` for a rank above ``maximumRank``.
  public init(shape: [Int], strides: [Int], _ type: EngineElement = .float32) throws(EngineError) {
    guard shape.count <= Self.maximumRank, shape.count == strides.count else {
      throw .call(function: "dnnl_memory_desc_init_by_strides", status: .invalidArguments)
    }
    var raw = dnnl_memory_desc_t()
    try check(
      "dnnl_memory_desc_init_by_strides",
      dnnl_memory_desc_init_by_strides(
        &raw, Int32(shape.count), shape.map(Int64.init), type.raw, strides.map(Int64.init)))
    self.init(raw)
  }

  /// A layout that a primitive is to choose.
  ///
  /// - Throws: ``EngineError`` for a rank above ``maximumRank``.
  public static func any(_ shape: [Int], _ type: EngineElement = .float32) throws(EngineError)
    -> MemoryDescriptor
  {
    guard shape.count <= Self.maximumRank else {
      throw .call(function: "dnnl_memory_desc_init_by_tag", status: .invalidArguments)
    }
    var raw = dnnl_memory_desc_t()
    try check(
      "dnnl_memory_desc_init_by_tag",
      dnnl_memory_desc_init_by_tag(
        &raw, Int32(shape.count), shape.map(Int64.init), type.raw, dnnl_format_tag_any))
    return MemoryDescriptor(raw)
  }

  /// The same layout with its dimensions in another order: dimension `i` of the result is `order[i]` here.
  ///
  /// - Throws: ``EngineError`` unless `order` is a permutation of the dimensions.
  public func permuted(_ order: [Int]) throws(EngineError) -> MemoryDescriptor {
    var destination = [Int32](repeating: -1, count: order.count)
    for (new, old) in order.enumerated() where order.indices.contains(old) {
      destination[old] = Int32(new)
    }
    var result = dnnl_memory_desc_t()
    var source = raw
    try check(
      "dnnl_memory_desc_permute_axes",
      dnnl_memory_desc_permute_axes(&result, &source, destination))
    return MemoryDescriptor(result)
  }

  /// The same layout, in elements, of another type.
  public func with(_ type: EngineElement) -> MemoryDescriptor {
    var result = raw
    result.data_type = type.raw
    return MemoryDescriptor(result)
  }
}

/// Element types of tensors that oneDNN lays out.
public enum EngineElement: Sendable, Hashable {
  case float32, int32, int8, uint8

  /// `nil` for a type that oneDNN has no layouts for.
  public init?(_ type: ElementType) {
    switch type {
    case .float32: self = .float32
    case .int32: self = .int32
    case .int8: self = .int8
    case .uint8: self = .uint8
    default: return nil
    }
  }

  var raw: dnnl_data_type_t {
    switch self {
    case .float32: dnnl_f32
    case .int32: dnnl_s32
    case .int8: dnnl_s8
    case .uint8: dnnl_u8
    }
  }
}

extension MemoryDescriptor: Hashable {
  public static func == (a: MemoryDescriptor, b: MemoryDescriptor) -> Bool {
    if a.storage === b.storage { return true }
    var (rawA, rawB) = (a.raw, b.raw)
    return dnnl_memory_desc_equal(&rawA, &rawB) != 0
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(shape)
    hasher.combine(byteCount)
  }
}
