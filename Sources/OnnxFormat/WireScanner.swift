import COnnxProto
import TensorCore

/// A pass over the wire format that makes a file safe to decode, and takes tensor data out of it.
///
/// protobuf-c decodes recursively on the machine's stack and allocates what the input demands. This pass walks the
/// same descriptors with a stack of its own. It checks every length, wire type and the depth, estimates what decoding
/// will allocate, and reads the data of tensors directly into tensor storage where the file has it in that layout, so
/// that weights are held once and never pass through protobuf-c.
struct WireScanner {
  /// The kind of a message, as far as it determines where tensor data is taken out.
  ///
  /// Data is taken only from tensors that become part of the graph; messages that are kept in serialized form keep
  /// theirs.
  enum Role {
    case model, graph, node, attribute, tensor, other
    /// An attribute that is read for the graph in it, or a function that is read for its body.
    case subgraph, function

    func child(field: UInt32) -> Role {
      switch (self, field) {
      case (.model, 7): .graph
      case (.graph, 1), (.function, 7): .node
      case (.subgraph, 6): .graph
      case (.function, 11): .attribute
      case (.graph, 5): .tensor
      case (.node, 5): .attribute
      case (.attribute, 5), (.attribute, 10): .tensor
      default: .other
      }
    }
  }

  private struct Frame {
    let descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    let role: Role
    let end: Int
    /// The place in the skeleton where the message's length is to be written.
    let lengthSlot: Int?
    /// The bits of the singular message fields and of the oneof that were seen.
    var seen: UInt64 = 0
    /// The data of a tensor so far.
    var data = TensorData.none
  }

  private enum TensorData {
    case none, inFields, taken
  }

  private var source: ByteSource
  private var frames: [Frame] = []
  private var skeleton: [UInt8] = []
  private var blobs: [TensorStorage] = []
  private var blobBytes = 0
  private var decodedBytes = 0

  /// Reads all of `source` as one message.
  static func scan(
    _ source: ByteSource, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>, role: Role
  ) throws(FormatProblem) -> ScannedMessage {
    var scanner = WireScanner(source)
    try scanner.run(descriptor, role)
    return ScannedMessage(skeleton: scanner.skeleton, blobs: scanner.blobs)
  }

  private init(_ source: ByteSource) { self.source = source }

  private mutating func run(
    _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, _ role: Role
  ) throws(FormatProblem) {
    try allocate(descriptor.pointee.sizeof_message)
    frames.append(Frame(descriptor: descriptor, role: role, end: source.count, lengthSlot: nil))
    while let frame = frames.last {
      if source.position == frame.end {
        frames.removeLast()
        if let slot = frame.lengthSlot { patchLength(at: slot) }
      } else {
        try scanField(of: frame)
      }
    }
  }

  private mutating func scanField(of frame: Frame) throws(FormatProblem) {
    let start = source.position
    let key = try varint(Self.name(frame.descriptor), start, end: frame.end)
    let number = UInt32(truncatingIfNeeded: key >> 3)
    guard key >> 3 > 0, key >> 3 < 1 << 29 else {
      throw .malformed(field: Self.name(frame.descriptor), offset: start, .fieldNumber)
    }
    // This is one entry of protobuf-c's field list, which lives while the message is decoded.
    try allocate(40)
    guard let field = protobuf_c_message_descriptor_get_field(frame.descriptor, number) else {
      appendVarint(key)
      try copyUnknown(WireType(key), in: frame, start: start)
      return
    }
    let place = Place(descriptor: frame.descriptor, field: field, start: start, end: frame.end)
    let expected = WireType(field.pointee.type)
    if frame.role == .tensor, let data = DataField(number: number) {
      if WireType(key) == .length, frame.data == .none ? data.isTensorLayout : data == .raw {
        try takeBlob(data, place, after: frame.data)
        return
      }
      if frame.data == .none { frames[frames.count - 1].data = .inFields }
    }
    appendVarint(key)
    switch (WireType(key), expected) {
    case (.length, .length):
      try scanLengthDelimited(place, in: frame)
    case (.length, _) where field.pointee.label == PROTOBUF_C_LABEL_REPEATED:
      try scanPacked(place, element: expected)
    case (let found, _) where found == expected:
      if field.pointee.label == PROTOBUF_C_LABEL_REPEATED { try allocate(8) }
      try copyScalar(expected, place)
    default: throw place.malformed(.wireType(expected: "\(expected)"))
    }
  }

  // MARK: Fields

  private mutating func scanLengthDelimited(_ place: Place, in frame: Frame) throws(FormatProblem) {
    let length = try self.length(place)
    switch place.field.pointee.type {
    case PROTOBUF_C_TYPE_MESSAGE:
      try openMessage(place, length: length, in: frame)
    default:
      appendVarint(UInt64(length))
      let content = skeleton.count
      guard try source.copy(length, to: &skeleton) else { throw place.truncated(source, length) }
      try allocate(length + 32)
      if place.field.pointee.type == PROTOBUF_C_TYPE_STRING, skeleton[content...].contains(0) {
        throw place.malformed(.zeroByte)
      }
    }
  }

  private mutating func openMessage(_ place: Place, length: Int, in frame: Frame)
    throws(FormatProblem)
  {
    guard frames.count < FormatLimits.depth else { throw .tooDeep(limit: FormatLimits.depth) }
    guard let raw = place.field.pointee.descriptor else { throw place.malformed(.schema) }
    // protobuf allows a message in pieces, which are merged. Nobody writes that, and one message in two places would
    // make every check below depend on the order.
    if place.field.pointee.label != PROTOBUF_C_LABEL_REPEATED {
      let isOneOf = place.field.pointee.flags & UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) != 0
      let bit: UInt64 = isOneOf ? 1 : 1 << UInt64(place.field.pointee.id % 63 + 1)
      guard frame.seen & bit == 0 else { throw place.malformed(.repeated) }
      frames[frames.count - 1].seen |= bit
    }
    let descriptor = raw.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
    try allocate(descriptor.pointee.sizeof_message + 24)
    frames.append(
      Frame(
        descriptor: descriptor, role: frame.role.child(field: place.field.pointee.id),
        end: source.position + length, lengthSlot: skeleton.count))
    skeleton += [0, 0, 0, 0, 0]
  }

  /// Reads the data of a tensor into its own storage and leaves a reference to it.
  private mutating func takeBlob(_ field: DataField, _ place: Place, after earlier: TensorData)
    throws(FormatProblem)
  {
    let length = try self.length(place)
    // An empty raw_data has no meaning; some writers put it beside a typed field.
    if earlier == .taken && length == 0 { return }
    guard earlier != .taken else { throw place.malformed(.repeated) }
    guard length % (field.entryWidth ?? 1) == 0 else { throw place.malformed(.length) }
    let reference = BlobReference(field, index: blobs.count)
    if let blob = try source.deferred(length) {
      blobs.append(blob)
    } else {
      blobs.append(
        try TensorStorage(byteCount: length) { (buffer) throws(FormatProblem) in
          guard try source.fill(buffer) else { throw place.truncated(source, length) }
        })
    }
    blobBytes += length
    frames[frames.count - 1].data = .taken
    appendVarint(UInt64(DataField.raw.number) << 3 | 2)
    appendVarint(UInt64(BlobReference.byteCount))
    skeleton += reference.bytes
  }

  private mutating func scanPacked(_ place: Place, element: WireType) throws(FormatProblem) {
    let length = try self.length(place)
    let width = element.width ?? 1
    guard length % width == 0 else { throw place.malformed(.length) }
    appendVarint(UInt64(length))
    let content = skeleton.count
    guard try source.copy(length, to: &skeleton) else { throw place.truncated(source, length) }
    try allocate(Self.saturatingProduct(length, 8 / width))
    guard element == .varint else { return }
    var run = 0
    for byte in skeleton[content...] {
      run = byte & 0x80 == 0 ? 0 : run + 1
      guard run < 10 else { throw place.malformed(.varint) }
    }
    guard run == 0 else { throw place.malformed(.varint) }
  }

  private mutating func copyScalar(_ type: WireType, _ place: Place) throws(FormatProblem) {
    if let width = type.width {
      guard source.position + width <= place.end else { throw place.malformed(.length) }
      guard try source.copy(width, to: &skeleton) else { throw place.truncated(source, width) }
    } else {
      appendVarint(try varint(place.name, place.start, end: place.end))
    }
  }

  /// Copies a field that the schema lacks, which protobuf-c keeps beside the message.
  private mutating func copyUnknown(_ type: WireType?, in frame: Frame, start: Int)
    throws(FormatProblem)
  {
    func fault(_ fault: WireFault) -> FormatProblem {
      .malformed(field: Self.name(frame.descriptor), offset: start, fault)
    }
    guard let type else { throw fault(.group) }
    switch type.width {
    case let width?:
      guard source.position + width <= frame.end else { throw fault(.length) }
      try allocate(width + 48)
      guard try source.copy(width, to: &skeleton) else { throw fault(.length) }
    case nil where type == .varint:
      try allocate(64)
      appendVarint(try varint(Self.name(frame.descriptor), start, end: frame.end))
    case nil:
      let length = try varint(Self.name(frame.descriptor), start, end: frame.end)
      guard length <= UInt64(frame.end - source.position) else {
        throw Self.overrun(Self.name(frame.descriptor), start, length, source)
      }
      appendVarint(length)
      guard try source.copy(Int(length), to: &skeleton) else { throw fault(.length) }
      try allocate(Int(length) + 48)
    }
  }
}

// MARK: - Primitives

extension WireScanner {
  private mutating func length(_ place: Place) throws(FormatProblem) -> Int {
    let value = try varint(place.name, place.start, end: place.end)
    guard value <= UInt64(place.end - source.position) else {
      throw Self.overrun(place.name, place.start, value, source)
    }
    return Int(value)
  }

  private static func overrun(_ field: String, _ start: Int, _ length: UInt64, _ source: ByteSource)
    -> FormatProblem
  {
    // A length past the end of the file is a sign of truncation; one that is absurd, or ends within the file but past
    // the enclosing message, is damage.
    length > UInt64(source.remaining) && length < 1 << 40
      ? .truncated(field: field, offset: start, missing: Int(length) - source.remaining)
      : .malformed(field: field, offset: start, .length)
  }

  private mutating func varint(_ field: @autoclosure () -> String, _ start: Int, end: Int)
    throws(FormatProblem) -> UInt64
  {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard source.position < end, let byte = try source.next() else {
        throw source.position >= source.count
          ? .truncated(field: field(), offset: start, missing: 1)
          : .malformed(field: field(), offset: start, .length)
      }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    throw .malformed(field: field(), offset: start, .varint)
  }

  private mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      skeleton.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    skeleton.append(UInt8(truncatingIfNeeded: rest))
  }

  /// Writes a message's length into the five bytes reserved for it.
  private mutating func patchLength(at slot: Int) {
    var rest = skeleton.count - slot - 5
    for index in 0..<5 {
      skeleton[slot + index] = UInt8(truncatingIfNeeded: rest & 0x7F) | (index < 4 ? 0x80 : 0)
      rest >>= 7
    }
  }

  private mutating func allocate(_ bytes: Int) throws(FormatProblem) {
    let (sum, overflow) = decodedBytes.addingReportingOverflow(bytes)
    let limit = FormatLimits.decodedBytes(structureBytes: source.position - blobBytes)
    guard !overflow, sum <= limit else { throw .tooLarge(limit: limit) }
    decodedBytes = sum
  }

  private static func saturatingProduct(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? Int.max : product
  }

  fileprivate static func name(_ descriptor: UnsafePointer<ProtobufCMessageDescriptor>) -> String {
    String(cString: descriptor.pointee.short_name)
  }

  /// A field and its place in the file, for error messages.
  private struct Place {
    let descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    let field: UnsafePointer<ProtobufCFieldDescriptor>
    let start: Int
    /// The position where the enclosing message ends.
    let end: Int

    var name: String {
      "\(WireScanner.name(descriptor)).\(String(cString: field.pointee.name))"
    }

    func malformed(_ fault: WireFault) -> FormatProblem {
      .malformed(field: name, offset: start, fault)
    }

    func truncated(_ source: ByteSource, _ length: Int) -> FormatProblem {
      .truncated(field: name, offset: start, missing: max(1, length - source.remaining))
    }
  }
}
