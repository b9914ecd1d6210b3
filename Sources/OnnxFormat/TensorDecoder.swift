import COnnxProto
import TensorCore

/// Turns `TensorProto` messages into tensors.
///
/// Data that already has the layout of a tensor is not copied: the scanner reads `raw_data` into tensor storage,
/// typed fields of full width are taken over from protobuf-c, and external data is read on demand.
struct TensorDecoder {
  typealias Message = UnsafeMutablePointer<Onnx__TensorProto>

  /// The tensor data, whose indices are in `raw_data`.
  let blobs: [TensorStorage]
  let externalData: ExternalData

  /// Decodes a message from which the scanner took the data.
  ///
  /// - Parameter name: the name, in errors, of a tensor that has none of its own.
  func decode(_ message: Message, name: String) throws(FormatProblem) -> Tensor {
    do {
      return try decode(message)
    } catch {
      let own = text(message.pointee.name)
      throw .tensor(name: own.isEmpty ? name : own, error)
    }
  }

  private func decode(_ message: Message) throws(TensorFault) -> Tensor {
    guard message.pointee.segment == nil else { throw .segmented }
    guard message.pointee.has_data_type != 0, message.pointee.data_type != 0 else {
      throw .noElementType
    }
    guard let type = ElementType(rawValue: message.pointee.data_type) else {
      throw .unknownElementType(Int(message.pointee.data_type))
    }
    let sizes = numbers(message.pointee.dims, message.pointee.n_dims)
    if let axis = sizes.firstIndex(where: { $0 < 0 }) {
      throw .negativeDimension(axis: axis, size: sizes[axis])
    }
    let shape = sizes.map { Int($0) }
    guard let count = Shape.elementCount(shape) else { throw .tooManyElements(shape: shape) }
    if type == .string { return try decodeStrings(message, shape: shape, count: count) }
    guard let byteCount = type.byteCount(elements: count) else {
      throw .tooManyElements(shape: shape)
    }
    let storage = try storage(message, type: type, count: count, byteCount: byteCount)
    guard
      let tensor = Tensor(
        elementType: type, shape: shape, storage: type == .bool ? canonicalBool(storage) : storage)
    else { throw .byteCount(expected: byteCount, actual: storage.byteCount) }
    return tensor
  }

  private func storage(_ message: Message, type: ElementType, count: Int, byteCount: Int)
    throws(TensorFault) -> TensorStorage
  {
    let fields = fieldsInUse(message)
    guard fields.count < 2 else { throw .severalDataFields(fields.map(\.rawValue)) }
    if message.pointee.data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL {
      if let field = fields.first { throw .severalDataFields(["external_data", field.rawValue]) }
      return try externalData.storage(message, byteCount: byteCount)
    }
    guard let field = fields.first else { return TensorStorage(byteCount: 0) { _ in } }
    if field == .raw, let taken = taken(message) { return taken.storage }
    guard field == DataField(of: type) else {
      throw .wrongDataField(field: field.rawValue, type: type)
    }
    return try typedStorage(message, type: type, count: count, field: field)
  }

  private func decodeStrings(_ message: Message, shape: [Int], count: Int) throws(TensorFault)
    -> Tensor
  {
    if let field = fieldsInUse(message).first(where: { $0 != .strings }) {
      throw .wrongDataField(field: field.rawValue, type: .string)
    }
    let strings = numbers(message.pointee.string_data, message.pointee.n_string_data).map(bytes)
    guard let tensor = Tensor(strings: strings, shape: shape) else {
      throw .elementCount(field: "string_data", expected: count, actual: strings.count)
    }
    return tensor
  }

  private func fieldsInUse(_ message: Message) -> [DataField] {
    let m = message.pointee
    var fields: [DataField] = []
    if let taken = taken(message), taken.storage.byteCount > 0 { fields.append(taken.field) }
    for (field, count) in [
      (DataField.floats, m.n_float_data), (.int32s, m.n_int32_data), (.strings, m.n_string_data),
      (.int64s, m.n_int64_data), (.doubles, m.n_double_data), (.uint64s, m.n_uint64_data),
    ] where count > 0 && !fields.contains(field) {
      fields.append(field)
    }
    return fields
  }

  /// The data that the scanner took from a message, and the field that held it; `nil` where it took none.
  func taken(_ message: Message) -> (field: DataField, storage: TensorStorage)? {
    guard message.pointee.has_raw_data != 0 else { return nil }
    let content = message.pointee.raw_data
    let reference = BlobReference(UnsafeBufferPointer(start: content.data, count: content.len))
    guard let reference, blobs.indices.contains(reference.index) else {
      preconditionFailure("the message did not pass the scanner")
    }
    return (reference.field, blobs[reference.index])
  }

  /// Bytes that are 0 or 1, as Swift's `Bool` demands; those of a file can be anything.
  private func canonicalBool(_ storage: TensorStorage) -> TensorStorage {
    if storage.bytes.allSatisfy({ $0 < 2 }) { return storage }
    return TensorStorage(byteCount: storage.bytes.count) { buffer in
      for (index, byte) in storage.bytes.enumerated() { buffer[index] = byte == 0 ? 0 : 1 }
    }
  }
}
