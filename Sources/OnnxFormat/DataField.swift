import TensorCore

/// The fields of a `TensorProto` that can hold its elements.
enum DataField: String, CaseIterable {
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

  /// The field with a number in the schema; `nil` for one that holds no elements.
  init?(number: UInt32) {
    guard let field = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = field
  }

  var number: UInt32 {
    switch self {
    case .floats: 4
    case .int32s: 5
    case .strings: 6
    case .int64s: 7
    case .raw: 9
    case .doubles: 10
    case .uint64s: 11
    }
  }

  /// The number of bytes of one entry, where the list on the wire already has the layout of a tensor; `nil`
  /// elsewhere.
  var entryWidth: Int? {
    switch self {
    case .floats: 4
    case .doubles: 8
    default: nil
    }
  }

  /// Whether the packed field on the wire is what a tensor's storage holds.
  var isTensorLayout: Bool { self == .raw || entryWidth != nil }
}
