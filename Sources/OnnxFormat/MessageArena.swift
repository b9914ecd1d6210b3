import COnnxProto
import GraphIR
import TensorCore

/// Memory for the protobuf-c messages of one serialization, all of which is given back at once.
final class MessageArena {
  private var allocations: [UnsafeMutableRawPointer] = []

  deinit {
    for allocation in allocations { allocation.deallocate() }
  }

  /// A message with every field absent.
  func make<Message>(_ initialize: (UnsafeMutablePointer<Message>) -> Void)
    -> UnsafeMutablePointer<Message>
  {
    let pointer = UnsafeMutablePointer<Message>.allocate(capacity: 1)
    allocations.append(UnsafeMutableRawPointer(pointer))
    initialize(pointer)
    return pointer
  }

  /// A string field; `nil`, which leaves the field out, for an empty text.
  func optional(_ text: String) -> UnsafeMutablePointer<CChar>? {
    text.isEmpty ? nil : string(text)
  }

  func string(_ text: String) -> UnsafeMutablePointer<CChar> {
    array(text.utf8.map(CChar.init(bitPattern:)) + [0])
  }

  func strings(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
    array(texts.map { string($0) })
  }

  func list<Message>(_ messages: [UnsafeMutablePointer<Message>]) -> MessageList<Message> {
    array(messages.map { $0 })
  }

  func array<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
    allocations.append(UnsafeMutableRawPointer(pointer))
    pointer.initialize(from: elements, count: elements.count)
    return pointer
  }

  func data(_ bytes: [UInt8]) -> ProtobufCBinaryData {
    ProtobufCBinaryData(len: bytes.count, data: array(bytes))
  }

  func entries(_ entries: [KeyValue]) -> MessageList<Onnx__StringStringEntryProto> {
    list(
      entries.map { entry in
        let message = make(onnx__string_string_entry_proto__init)
        message.pointee.key = string(entry.key)
        message.pointee.value = string(entry.value)
        return message
      })
  }
}
