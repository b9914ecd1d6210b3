import COnnxProto
import TensorCore

/// Turns `TensorProto` messages into tensors.
///
/// Data that already has the layout of a tensor is not copied: `raw_data` was read into tensor storage by
/// the scanner, typed fields of full width are taken over from protobuf-c, external data is mapped.
struct TensorDecoder {
  typealias Message = UnsafeMutablePointer<Onnx__TensorProto>

  /// Tensor data, whose indices stand in `raw_data`.
  let blobs: [TensorStorage]
  let externalData: ExternalData

  /// Decodes a message that the scanner took the data out of.
  ///
  /// - Parameter name: what an error calls a tensor that has no name of its own.
  func decode(_ message: Message, name: String) throws(FormatProblem) -> Tensor {
    do throws(TensorFault) {
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
    else { throw .byteCount(expected: byteCount, actual: storage.bytes.count) }
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
    if field == .raw { return blob(message) }
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
    if m.has_raw_data != 0, blob(message).bytes.count > 0 { fields.append(.raw) }
    if m.n_float_data > 0 { fields.append(.floats) }
    if m.n_int32_data > 0 { fields.append(.int32s) }
    if m.n_string_data > 0 { fields.append(.strings) }
    if m.n_int64_data > 0 { fields.append(.int64s) }
    if m.n_double_data > 0 { fields.append(.doubles) }
    if m.n_uint64_data > 0 { fields.append(.uint64s) }
    return fields
  }

  private func blob(_ message: Message) -> TensorStorage {
    let data = message.pointee.raw_data
    let content = UnsafeRawBufferPointer(start: data.data, count: data.len)
    precondition(content.count == 4, "raw_data was not taken out")
    return blobs[Int(UInt32(littleEndian: content.loadUnaligned(as: UInt32.self)))]
  }

  /// A byte of a Swift `Bool` must be 0 or 1; one of a file can be anything.
  private func canonicalBool(_ storage: TensorStorage) -> TensorStorage {
    if storage.bytes.allSatisfy({ $0 < 2 }) { return storage }
    return TensorStorage(byteCount: storage.bytes.count) { buffer in
      for (index, byte) in storage.bytes.enumerated() { buffer[index] = byte == 0 ? 0 : 1 }
    }
  }
}

/// The fields of a `TensorProto` that can hold its elements.
enum DataField: String {
  case raw = "raw_data"
  case floats = "float_data"
  case int32s = "int32_data"
  case strings = "string_data"
  case int64s = "int64_data"
  case doubles = "double_data"
  case uint64s = "uint64_data"

  /// The typed field for an element type.
  init(of type: ElementType) {
    switch type {
    case .float32, .complex64: self = .floats
    case .float64, .complex128: self = .doubles
    case .int64: self = .int64s
    case .uint32, .uint64: self = .uint64s
    case .string: self = .strings
    default: self = .int32s
    }
  }
}
