import COneDNN

/// A computation for which oneDNN has chosen an implementation and layouts.
///
/// The functions that make one throw ``EngineError`` where oneDNN refuses the operands or the layouts.
package final class PrimitiveDescriptor {
  let handle: dnnl_primitive_desc_t
  let engine: Engine

  /// Makes the descriptor by a call of oneDNN.
  ///
  /// - Parameter make: calls oneDNN with the place for the result, and the attributes for `operations`.
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

  /// An operand whose layout the implementation determines.
  package enum Operand: Sendable {
    case source, weights, destination, workspace, scratchpad
    case sourceGradient, weightGradient, destinationGradient
  }

  /// The layout of an operand.
  ///
  /// - Throws: ``EngineError`` where the computation has no such operand.
  package func layout(of operand: Operand) throws(EngineError) -> MemoryDescriptor {
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
  package var implementation: String {
    var text: UnsafePointer<CChar>?
    let status = withUnsafeMutablePointer(to: &text) {
      dnnl_primitive_desc_query(handle, dnnl_query_impl_info_str, 0, $0)
    }
    guard status == dnnl_success, let text else { return "" }
    return String(cString: text)
  }

  /// Whether products of 8-bit integers are summed in 32 bits by the CPU's own instructions for that; without these,
  /// pairs of products saturate at 16 bits, or weights are halved.
  package var addsWithoutSaturation: Bool {
    implementation.contains("vnni") || implementation.contains("amx")
  }

  /// Whether the implementation uses matrix products, which may divide or order a sum by the number of threads.
  package var mayCutSums: Bool {
    ["gemm", "brg"].contains { implementation.contains($0) }
  }

  /// Whether the implementation is oneDNN's fallback, which is slower by orders of magnitude.
  package var isReference: Bool { implementation.hasPrefix("ref") }
}
