import COneDNN

/// A computation that oneDNN has chosen an implementation and layouts for.
public final class PrimitiveDescriptor {
  let handle: dnnl_primitive_desc_t
  let engine: Engine

  /// The descriptor that a call of oneDNN makes.
  ///
  /// - Parameter make: gets the place for the result, and the attributes that `operations` stand for.
  init(
    _ engine: Engine, _ function: StaticString, post operations: [PostOperation] = [],
    _ make: (UnsafeMutablePointer<dnnl_primitive_desc_t?>, dnnl_primitive_attr_t) -> dnnl_status_t
  ) throws(EngineError) {
    let attributes = try PrimitiveAttributes(operations)
    var handle: dnnl_primitive_desc_t?
    try check(function, withExtendedLifetime(attributes) { make(&handle, attributes.handle) })
    guard let handle else { throw .call(function: function.description, status: .runtimeError) }
    self.handle = handle
    self.engine = engine
  }

  deinit { dnnl_primitive_desc_destroy(handle) }

  /// An operand whose layout the implementation has fixed.
  public enum Operand: Sendable {
    case source, weights, destination, workspace, scratchpad
    case sourceGradient, weightGradient, destinationGradient
  }

  /// - Throws: ``EngineError`` where the computation has no such operand.
  public func layout(of operand: Operand) throws(EngineError) -> MemoryDescriptor {
    let query =
      switch operand {
      case .source: dnnl_query_src_md
      case .weights: dnnl_query_weights_md
      case .destination: dnnl_query_dst_md
      case .workspace: dnnl_query_workspace_md
      case .scratchpad: dnnl_query_scratchpad_md
      case .sourceGradient: dnnl_query_diff_src_md
      case .weightGradient: dnnl_query_diff_weights_md
      case .destinationGradient: dnnl_query_diff_dst_md
      }
    guard let raw = dnnl_primitive_desc_query_md(handle, query, 0) else {
      throw .call(function: "dnnl_primitive_desc_query_md", status: .notRequired)
    }
    return try MemoryDescriptor("dnnl_memory_desc_clone") { snug_memory_desc_clone($0, raw) }
  }

  /// The name of the chosen implementation, such as `jit:avx512_core`.
  public var implementation: String {
    var text: UnsafePointer<CChar>?
    let status = withUnsafeMutablePointer(to: &text) {
      dnnl_primitive_desc_query(handle, dnnl_query_impl_info_str, 0, $0)
    }
    guard status == dnnl_success, let text else { return "" }
    return String(cString: text)
  }

  /// True where products of 8-bit integers are added up in 32 bits, by the CPU's own instructions for that;
  /// without them pairs of products saturate at 16 bits, or weights are halved.
  public var addsWithoutSaturation: Bool {
    implementation.contains("vnni") || implementation.contains("amx")
  }

  /// True for implementations by matrix products, which may cut a sum, or choose its order, by the number of threads.
  public var mayCutSums: Bool {
    ["gemm", "brg"].contains { implementation.contains($0) }
  }

  /// True for oneDNN's fallback code, which is slower by orders of magnitude.
  public var isReference: Bool { implementation.hasPrefix("ref") }
}
