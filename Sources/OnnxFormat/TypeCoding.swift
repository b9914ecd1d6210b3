import COnnxProto
import TensorCore

/// The content of a `TypeProto`: a tensor type where it is one, and the message itself where that loses something.
struct DecodedType {
  var tensor: TensorType?
  /// The serialized message of a type that ``TensorType`` can't express in full.
  var serialized: [UInt8]?

  init(_ message: UnsafeMutablePointer<Onnx__TypeProto>?) {
    guard let message, message.pointee.value_case != ONNX__TYPE_PROTO__VALUE__NOT_SET else {
      return
    }
    let isTensor = message.pointee.value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
    guard isTensor, let content = message.pointee.tensor_type,
      let elementType = ElementType(rawValue: content.pointee.elem_type)
    else {
      serialized = pack(message)
      return
    }
    var isComplete = message.pointee.denotation == nil
    guard let shape = content.pointee.shape else {
      tensor = TensorType(elementType, nil)
      serialized = isComplete ? nil : pack(message)
      return
    }
    var dimensions: [Dimension] = []
    for dimension in messages(shape.pointee.dim, shape.pointee.n_dim) {
      if dimension.pointee.denotation != nil { isComplete = false }
      dimensions.append(Dimension(dimension.pointee))
    }
    tensor = TensorType(elementType, dimensions)
    serialized = isComplete ? nil : pack(message)
  }
}

extension Dimension {
  /// Makes a dimension; some exporters write a negative size for an unknown one, or one name without a letter, as `?`
  /// and `-1`, for several that have nothing in common.
  fileprivate init(_ message: Onnx__TensorShapeProto__Dimension) {
    switch message.value_case {
    case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE where message.dim_value >= 0:
      self = .fixed(Int(message.dim_value))
    case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM:
      let name = text(message.dim_param)
      self = name.contains(where: \.isLetter) ? .symbolic(name) : .unknown
    default: self = .unknown
    }
  }
}
