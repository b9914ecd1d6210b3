/// A JSON document or a part of one, with the members of objects in the order in which they were given.
///
/// Literals build documents in place:
///
///     let layer: JSONValue = ["name": "conv1", "bits": 4, "scales": [0.5, 0.25], "target": nil]
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// A number with a fraction or exponent; written as `null` where it is not finite.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([JSONMember])

  /// The number whose shortest decimal reads back as `value` in single precision.
  public static func number(_ value: Float) -> JSONValue {
    .number(Double(value.description) ?? Double(value))
  }

  /// The value of the first member with the key `key`; `nil` where there is none or this isn't an object.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var objectValue: [JSONMember]? { if case .object(let value) = self { value } else { nil } }

  /// The integer, also where it was written with a fraction of zero.
  public var integerValue: Int64? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int64(exactly: value)
    default: nil
    }
  }

  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

/// A key and its value in a JSON object.
public struct JSONMember: Sendable, Hashable {
  public var key: String
  public var value: JSONValue

  public init(_ key: String, _ value: JSONValue) {
    self.key = key
    self.value = value
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringInterpolation,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { JSONMember($0.0, $0.1) })
  }
}

extension JSONValue {
  /// An integer of any type; beyond 64 bits, the nearest double.
  public init(_ value: some BinaryInteger) {
    self = Int64(exactly: value).map(JSONValue.integer) ?? .number(Double(value))
  }

  public init(_ value: Bool) { self = .bool(value) }
  public init(_ value: Double) { self = .number(value) }
  public init(_ value: Float) { self = .number(value) }
  public init(_ value: String) { self = .string(value) }
  public init(_ values: some Sequence<JSONValue>) { self = .array(Array(values)) }
}
