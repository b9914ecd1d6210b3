import COneDNN
import TensorCore

/// The place of an operand in a primitive's argument list.
package enum Argument: Sendable, Hashable {
  case source
  /// The second operand of a binary operation.
  case secondSource
  /// One of several tensors to join.
  case joined(Int)
  case weights, bias, destination, workspace, scratchpad
  case sourceGradient, weightGradient, biasGradient, destinationGradient

  var raw: Int32 {
    switch self {
    case .source: DNNL_ARG_SRC_0
    case .secondSource: DNNL_ARG_SRC_1
    case .joined(let index): DNNL_ARG_MULTIPLE_SRC + Int32(index)
    case .weights: DNNL_ARG_WEIGHTS_0
    case .bias: DNNL_ARG_BIAS
    case .destination: DNNL_ARG_DST_0
    case .workspace: DNNL_ARG_WORKSPACE
    case .scratchpad: DNNL_ARG_SCRATCHPAD
    case .sourceGradient: DNNL_ARG_DIFF_SRC
    case .weightGradient: DNNL_ARG_DIFF_WEIGHTS
    case .biasGradient: DNNL_ARG_DIFF_BIAS
    case .destinationGradient: DNNL_ARG_DIFF_DST
    }
  }
}

/// A compiled computation with its operands; running it allocates nothing.
///
/// Not safe to run from two threads at once.
package final class Primitive {
  private let handle: dnnl_primitive_t
  private let engine: Engine
  private let arguments: ScratchBuffer<dnnl_exec_arg_t>
  private let pointers: ScratchBuffer<UnsafeMutableRawPointer?>
  /// The number of bytes of the scratchpad, which is the last operand unless this is 0.
  private let scratchpadByteCount: Int

  /// - Parameter operands: the argument and layout of each operand, in the order in which ``point(_:at:)`` counts.
  /// - Throws: ``EngineError`` where oneDNN refuses.
  package init(_ descriptor: PrimitiveDescriptor, _ operands: [(Argument, MemoryDescriptor)])
    throws(EngineError)
  {
    var primitive: dnnl_primitive_t?
    try check("dnnl_primitive_create", dnnl_primitive_create(&primitive, descriptor.handle))
    guard let primitive else {
      throw .call(function: "dnnl_primitive_create", status: .runtimeError)
    }
    handle = primitive
    engine = descriptor.engine
    var operands = operands
    let scratchpad = try descriptor.layout(of: .scratchpad)
    scratchpadByteCount = scratchpad.byteCount
    if scratchpadByteCount > 0 { operands.append((.scratchpad, scratchpad)) }
    arguments = ScratchBuffer(
      count: operands.count, repeating: dnnl_exec_arg_t(arg: 0, memory: nil))
    pointers = ScratchBuffer(count: operands.count, repeating: nil)
    for (index, (argument, layout)) in operands.enumerated() {
      var memory: dnnl_memory_t?
      try check(
        "dnnl_memory_create", dnnl_memory_create(&memory, layout.raw, engine.handle, nil))
      arguments.elements[index] = dnnl_exec_arg_t(arg: argument.raw, memory: memory)
    }
  }

  deinit {
    for argument in arguments.elements where argument.memory != nil {
      dnnl_memory_destroy(argument.memory)
    }
    dnnl_primitive_destroy(handle)
  }

  /// Sets the address of an operand.
  ///
  /// - Throws: ``EngineError`` where oneDNN refuses.
  package func point(_ index: Int, at pointer: UnsafeMutableRawPointer?) throws(EngineError) {
    // Setting a handle makes oneDNN write the padding of the layout, so an unchanged one is not set again.
    if pointers.elements[index] == pointer { return }
    try check(
      "dnnl_memory_set_data_handle",
      dnnl_memory_set_data_handle(arguments.elements[index].memory, pointer))
    pointers.elements[index] = pointer
  }

  /// Computes, and returns when the result is in memory.
  ///
  /// - Throws: ``EngineError`` where oneDNN fails.
  package func run() throws(EngineError) {
    if scratchpadByteCount > 0 {
      try point(
        arguments.elements.count - 1, at: try Scratchpad.memory(byteCount: scratchpadByteCount))
    }
    try check(
      "dnnl_primitive_execute",
      dnnl_primitive_execute(
        handle, engine.stream, Int32(arguments.elements.count), arguments.pointer))
    try check("dnnl_stream_wait", dnnl_stream_wait(engine.stream))
  }
}
