import COnnxProto
import GraphIR
import TensorCore

/// Turns nodes and their attributes into `NodeProto` messages.
struct NodeEncoder {
  let arena: MessageArena
  let graph: Graph

  /// - Throws: ``FormatProblem/internalOperator(node:type:)`` for an operator that no file can hold.
  func encode(_ node: Node) throws(FormatProblem) -> WireParts {
    guard let op = node.op as? any WritableOperator else {
      throw .internalOperator(node: node.name, type: node.op.type)
    }
    let message = arena.make(onnx__node_proto__init)
    message.pointee.input = arena.strings(names(node.inputs))
    message.pointee.n_input = node.inputs.count
    message.pointee.output = arena.strings(names(node.outputs))
    message.pointee.n_output = node.outputs.count
    message.pointee.name = arena.optional(node.name)
    message.pointee.op_type = arena.string(node.op.type)
    message.pointee.domain = arena.optional(node.op.domain)
    message.pointee.overload = arena.optional(node.overload)
    message.pointee.doc_string = arena.optional(node.documentation)
    message.pointee.metadata_props = arena.entries(node.metadata)
    message.pointee.n_metadata_props = node.metadata.count
    var parts = WireParts(pack(message))
    for attribute in op.attributes() { parts.append(field: 5, encode(attribute)) }
    for configuration in node.deviceConfigurations {
      parts.append(field: 10, WireParts(configuration))
    }
    return parts
  }

  private func names(_ ids: [ValueID?]) -> [String] {
    ids.map { $0.map { graph[$0].name } ?? "" }
  }

  private func encode(_ attribute: Attribute) -> WireParts {
    let message = arena.make(onnx__attribute_proto__init)
    message.pointee.name = arena.string(attribute.name)
    message.pointee.has_type = 1
    var tensors: [(field: UInt64, tensor: Tensor)] = []
    switch attribute.value {
    case .serialized(let bytes): return WireParts(bytes)
    case .int(let value):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT
      message.pointee.has_i = 1
      message.pointee.i = value
    case .float(let value):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT
      message.pointee.has_f = 1
      message.pointee.f = value
    case .string(let value):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING
      message.pointee.has_s = 1
      message.pointee.s = arena.data(value)
    case .ints(let values):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS
      message.pointee.ints = arena.array(values)
      message.pointee.n_ints = values.count
    case .floats(let values):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS
      message.pointee.floats = arena.array(values)
      message.pointee.n_floats = values.count
    case .strings(let values):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS
      message.pointee.strings = arena.array(values.map { arena.data($0) })
      message.pointee.n_strings = values.count
    case .tensor(let value):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR
      tensors = [(5, value)]
    case .tensors(let values):
      message.pointee.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSORS
      tensors = values.map { (10, $0) }
    }
    var parts = WireParts(pack(message))
    for (field, tensor) in tensors {
      parts.append(field: field, TensorEncoder(arena: arena).encode(tensor, name: ""))
    }
    return parts
  }
}
