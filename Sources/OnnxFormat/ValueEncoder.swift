import COnnxProto
import GraphIR
import TensorCore

/// Turns the descriptions of values into `ValueInfoProto` messages.
struct ValueEncoder {
  let arena: MessageArena

  func encode(_ value: Value) -> WireParts {
    let message = arena.make(onnx__value_info_proto__init)
    message.pointee.name = arena.string(value.name)
    // The documentation of a constant is written with its data.
    if value.constant == nil {
      message.pointee.doc_string = arena.optional(value.documentation)
      message.pointee.metadata_props = arena.entries(value.metadata)
      message.pointee.n_metadata_props = value.metadata.count
    }
    var parts = WireParts(pack(message))
    if let type = encodedType(value) { parts.append(field: 2, WireParts(type)) }
    return parts
  }

  /// The data of a sparse initializer, under the value's current name.
  func encodeSparse(_ value: Value) -> [UInt8]? {
    guard let serialized = value.serializedConstant,
      let message = try? DecodedMessage<Onnx__SparseTensorProto>(
        serialized, as: Descriptors.sparseTensor),
      let values = message.pointer.pointee.values
    else { return nil }
    let original = values.pointee.name
    defer { values.pointee.name = original }
    values.pointee.name = arena.string(value.name)
    return pack(message.pointer)
  }

  /// The serialized type: the one that was read where it still holds, otherwise one made from the tensor type.
  private func encodedType(_ value: Value) -> [UInt8]? {
    if let serialized = value.serializedType,
      let message = try? DecodedMessage<Onnx__TypeProto>(serialized, as: Descriptors.type),
      DecodedType(message.pointer).tensor == value.type
    {
      return serialized
    }
    return value.type.map { pack(encode($0)) }
  }

  private func encode(_ type: TensorType) -> UnsafeMutablePointer<Onnx__TypeProto> {
    let tensor = arena.make(onnx__type_proto__tensor__init)
    tensor.pointee.has_elem_type = 1
    tensor.pointee.elem_type = type.elementType.rawValue
    if let dimensions = type.dimensions {
      let shape = arena.make(onnx__tensor_shape_proto__init)
      shape.pointee.dim = arena.list(dimensions.map { encode($0) })
      shape.pointee.n_dim = dimensions.count
      tensor.pointee.shape = shape
    }
    let message = arena.make(onnx__type_proto__init)
    message.pointee.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
    message.pointee.tensor_type = tensor
    return message
  }

  private func encode(_ dimension: Dimension)
    -> UnsafeMutablePointer<Onnx__TensorShapeProto__Dimension>
  {
    let message = arena.make(onnx__tensor_shape_proto__dimension__init)
    switch dimension {
    case .fixed(let size):
      message.pointee.value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
      message.pointee.dim_value = Int64(size)
    case .symbolic(let name):
      message.pointee.value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
      message.pointee.dim_param = arena.string(name)
    case .unknown: break
    }
    return message
  }
}
