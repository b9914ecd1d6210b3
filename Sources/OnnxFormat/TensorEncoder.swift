import COnnxProto
import GraphIR
import TensorCore

/// Turns tensors into `TensorProto` messages, with strings in `string_data` and everything else in `raw_data`.
struct TensorEncoder {
  let arena: MessageArena

  /// The serialized message, with the tensor's bytes as a separate part.
  func encode(
    _ tensor: Tensor, name: String, documentation: String = "", metadata: [KeyValue] = [],
    externalData: [KeyValue] = []
  ) -> WireParts {
    let message = arena.make(onnx__tensor_proto__init)
    message.pointee.dims = arena.array(tensor.shape.map(Int64.init))
    message.pointee.n_dims = tensor.shape.count
    message.pointee.has_data_type = 1
    message.pointee.data_type = tensor.elementType.rawValue
    message.pointee.name = arena.optional(name)
    message.pointee.doc_string = arena.optional(documentation)
    message.pointee.metadata_props = arena.entries(metadata)
    message.pointee.n_metadata_props = metadata.count
    if !externalData.isEmpty {
      message.pointee.external_data = arena.entries(externalData)
      message.pointee.n_external_data = externalData.count
      message.pointee.has_data_location = 1
      message.pointee.data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL
    } else if tensor.elementType == .string {
      message.pointee.string_data = arena.array(tensor.strings.map { arena.data($0) })
      message.pointee.n_string_data = tensor.strings.count
    }
    var parts = WireParts(pack(message))
    if tensor.elementType != .string && externalData.isEmpty {
      parts.append(field: 9, tensor.storage)
    }
    return parts
  }
}
