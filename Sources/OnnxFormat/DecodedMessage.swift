import COnnxProto
import TensorCore

/// A protobuf-c message with all that it points to, which is freed at the end of its life.
struct DecodedMessage<Message>: ~Copyable {
  let pointer: UnsafeMutablePointer<Message>

  /// Decodes the skeleton of a scanned message.
  init(_ skeleton: [UInt8], as descriptor: UnsafePointer<ProtobufCMessageDescriptor>)
    throws(FormatProblem)
  {
    let message = skeleton.withUnsafeBufferPointer {
      protobuf_c_message_unpack(descriptor, nil, $0.count, $0.baseAddress)
    }
    guard let message else {
      throw .malformed(
        field: String(cString: descriptor.pointee.short_name), offset: 0, .schema)
    }
    pointer = UnsafeMutableRawPointer(message).assumingMemoryBound(to: Message.self)
  }

  deinit {
    protobuf_c_message_free_unpacked(
      UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: ProtobufCMessage.self), nil)
  }
}

/// The descriptors of the messages that files hold.
enum Descriptors {
  static var model: UnsafePointer<ProtobufCMessageDescriptor> {
    var message = Onnx__ModelProto()
    onnx__model_proto__init(&message)
    return message.base.descriptor
  }

  static var tensor: UnsafePointer<ProtobufCMessageDescriptor> {
    var message = Onnx__TensorProto()
    onnx__tensor_proto__init(&message)
    return message.base.descriptor
  }

  static var attribute: UnsafePointer<ProtobufCMessageDescriptor> {
    var message = Onnx__AttributeProto()
    onnx__attribute_proto__init(&message)
    return message.base.descriptor
  }

  static var function: UnsafePointer<ProtobufCMessageDescriptor> {
    var message = Onnx__FunctionProto()
    onnx__function_proto__init(&message)
    return message.base.descriptor
  }

  static var sparseTensor: UnsafePointer<ProtobufCMessageDescriptor> {
    var message = Onnx__SparseTensorProto()
    onnx__sparse_tensor_proto__init(&message)
    return message.base.descriptor
  }

  static var type: UnsafePointer<ProtobufCMessageDescriptor> {
    var message = Onnx__TypeProto()
    onnx__type_proto__init(&message)
    return message.base.descriptor
  }
}

/// The serialized form of a message.
func pack<Message>(_ message: UnsafePointer<Message>) -> [UInt8] {
  let base = UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self)
  let size = protobuf_c_message_get_packed_size(base)
  return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    count = protobuf_c_message_pack(base, buffer.baseAddress)
  }
}

// MARK: - Swift views of protobuf-c fields

typealias MessageList<Message> = UnsafeMutablePointer<UnsafeMutablePointer<Message>?>

/// The messages of a repeated field.
func messages<Message>(_ list: MessageList<Message>?, _ count: Int)
  -> some Sequence<UnsafeMutablePointer<Message>>
{
  UnsafeBufferPointer(start: list, count: list == nil ? 0 : count).lazy.compactMap { $0 }
}

/// The numbers of a repeated field.
func numbers<Number>(_ list: UnsafeMutablePointer<Number>?, _ count: Int)
  -> UnsafeBufferPointer<Number>
{
  UnsafeBufferPointer(start: list, count: list == nil ? 0 : count)
}

/// The text of a string field; empty where the field is absent.
///
/// Text that is not UTF-8 is repaired.
func text(_ field: UnsafeMutablePointer<CChar>?) -> String {
  field.map { String(cString: $0) } ?? ""
}

/// The texts of a repeated string field.
func texts(_ list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
  UnsafeBufferPointer(start: list, count: list == nil ? 0 : count).map(text)
}

func bytes(_ field: ProtobufCBinaryData) -> [UInt8] {
  Array(UnsafeBufferPointer(start: field.data, count: field.data == nil ? 0 : field.len))
}
