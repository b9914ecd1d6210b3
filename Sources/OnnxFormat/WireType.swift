import COnnxProto

/// The protobuf encodings of a field's content.
enum WireType: Sendable, Hashable, CustomStringConvertible {
  case varint, fixed64, length, fixed32

  /// The type in the low bits of a field key; `nil` for groups and reserved values.
  init?(_ key: UInt64) {
    switch key & 7 {
    case 0: self = .varint
    case 1: self = .fixed64
    case 2: self = .length
    case 5: self = .fixed32
    default: return nil
    }
  }

  init(_ type: ProtobufCType) {
    switch type {
    case PROTOBUF_C_TYPE_FLOAT, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32: self = .fixed32
    case PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64: self = .fixed64
    case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE: self = .length
    default: self = .varint
    }
  }

  /// The number of bytes of one element, where that is fixed.
  var width: Int? {
    switch self {
    case .fixed32: 4
    case .fixed64: 8
    case .varint, .length: nil
    }
  }

  var description: String {
    switch self {
    case .varint: "an integer"
    case .fixed32: "a 32-bit number"
    case .fixed64: "a 64-bit number"
    case .length: "bytes"
    }
  }
}
