import COneDNN
import TensorCore

/// The layout of a tensor's elements in memory: strides, blocks and padding, as oneDNN describes them.
///
/// Letters for shapes are those of ONNX. The order of dimensions is the logical one, whatever the layout.
package struct MemoryDescriptor: Sendable {
  /// Owns oneDNN's descriptor, which copies share.
  private final class Storage: Sendable {
    nonisolated(unsafe) let raw: snug_memory_desc_t
    nonisolated(unsafe) let layout: snug_layout_t

    init(_ raw: snug_memory_desc_t) {
      self.raw = raw
      layout = snug_memory_desc_layout(raw)
    }

    deinit { snug_memory_desc_destroy(raw) }
  }

  private let storage: Storage
  /// oneDNN's descriptor, valid as long as this value is.
  var raw: snug_memory_desc_t { storage.raw }
  /// The layout as oneDNN reports it.
  var layout: snug_layout_t { storage.layout }

  /// The descriptor that a call of oneDNN makes.
  init(
    _ function: StaticString, _ make: (UnsafeMutablePointer<snug_memory_desc_t?>) -> dnnl_status_t
  ) throws(EngineError) {
    var raw: snug_memory_desc_t?
    try check(function, make(&raw))
    guard let raw else { throw .call(function: function.description, status: .runtimeError) }
    storage = Storage(raw)
  }

  /// The greatest rank that oneDNN supports.
  package static let maximumRank = Int(DNNL_MAX_NDIMS)

  /// A layout in row-major order. A scalar becomes a vector of one element.
  ///
  /// - Throws: ``EngineError`` for a rank above ``maximumRank``.
  package init(rowMajor shape: [Int], _ type: EngineElement = .float32) throws(EngineError) {
    let shape = shape.isEmpty ? [1] : shape
    try self.init(shape: shape, strides: Shape.strides(shape), type)
  }

  /// A layout with any strides, in elements.
  ///
  /// - Throws: ``EngineError`` for a rank above ``maximumRank``.
  package init(shape: [Int], strides: [Int], _ type: EngineElement = .float32) throws(EngineError) {
    guard shape.count <= Self.maximumRank, shape.count == strides.count else {
      throw .call(function: "dnnl_memory_desc_create_with_strides", status: .invalidArguments)
    }
    try self.init("dnnl_memory_desc_create_with_strides") {
      snug_memory_desc_with_strides(
        $0, Int32(shape.count), shape.map(Int64.init), type.raw, strides.map(Int64.init))
    }
  }

  /// A placeholder for a layout that a primitive is to choose.
  ///
  /// - Throws: ``EngineError`` for a rank above ``maximumRank``.
  package static func any(_ shape: [Int], _ type: EngineElement = .float32) throws(EngineError)
    -> MemoryDescriptor
  {
    try MemoryDescriptor(shape: shape, tag: dnnl_format_tag_any, type)
  }

  /// A layout with a name of oneDNN's.
  init(shape: [Int], tag: dnnl_format_tag_t, _ type: EngineElement = .float32) throws(EngineError) {
    guard shape.count <= Self.maximumRank else {
      throw .call(function: "dnnl_memory_desc_create_with_tag", status: .invalidArguments)
    }
    try self.init("dnnl_memory_desc_create_with_tag") {
      snug_memory_desc_with_tag($0, Int32(shape.count), shape.map(Int64.init), type.raw, tag)
    }
  }

  /// The same layout with the dimensions in another order: dimension `i` of the result is dimension `order[i]` here.
  ///
  /// - Throws: ``EngineError`` unless `order` is a permutation of the dimensions.
  package func permuted(_ order: [Int]) throws(EngineError) -> MemoryDescriptor {
    var destination = [Int32](repeating: -1, count: order.count)
    for (new, old) in order.enumerated() where order.indices.contains(old) {
      destination[old] = Int32(new)
    }
    return try MemoryDescriptor("dnnl_memory_desc_permute_axes") {
      snug_memory_desc_permute($0, raw, destination)
    }
  }

  /// The same layout, in elements, for another element type.
  ///
  /// - Throws: ``EngineError`` where oneDNN doesn't support that layout for the type.
  package func with(_ type: EngineElement) throws(EngineError) -> MemoryDescriptor {
    try MemoryDescriptor("dnnl_memory_desc_clone") { snug_memory_desc_as($0, raw, type.raw) }
  }
}

/// The element types of tensors that oneDNN lays out.
package enum EngineElement: Sendable, Hashable {
  case float32, int32, int8, uint8

  /// The type for that of a tensor; `nil` where oneDNN has no layouts for it.
  package init?(_ type: ElementType) {
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
  package static func == (a: MemoryDescriptor, b: MemoryDescriptor) -> Bool {
    if a.storage === b.storage { return true }
    return dnnl_memory_desc_equal(a.raw, b.raw) != 0
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(shape)
    hasher.combine(byteCount)
  }
}
