import TensorCore

/// The value of a node's attribute.
package enum AttributeValue: Sendable, Hashable {
  case int(Int64)
  case float(Float)
  case string([UInt8])
  case tensor(Tensor)
  case ints([Int64])
  case floats([Float])
  case strings([[UInt8]])
  case tensors([Tensor])
  /// A subgraph, sparse tensor or type, kept as the serialized bytes of the `AttributeProto`.
  case serialized([UInt8])

  /// A string attribute with the UTF-8 bytes of a text.
  package static func string(_ text: String) -> AttributeValue { .string(Array(text.utf8)) }

  /// The name of this kind of value in messages.
  package var kind: String {
    switch self {
    case .int: "int"
    case .float: "float"
    case .string: "string"
    case .tensor: "tensor"
    case .ints: "ints"
    case .floats: "floats"
    case .strings: "strings"
    case .tensors: "tensors"
    case .serialized: "graph, sparse tensor or type"
    }
  }
}

/// An attribute of a node: a name and a value.
package struct Attribute: Sendable, Hashable {
  package var name: String
  package var value: AttributeValue

  package init(_ name: String, _ value: AttributeValue) {
    self.name = name
    self.value = value
  }
}

/// Typed, checked access to the attributes of one node while its operator is decoded.
///
/// The methods give `nil`, or the given default, where the attribute is absent, and throw
/// ``OperatorError/attributeKind(name:expected:actual:)`` where it has another kind of value.
package struct AttributeReader: Sendable {
  package let attributes: [Attribute]
  /// The opset version of the operator's domain that the model imports.
  package let opset: Int
  /// The number of the node's inputs, on which the meaning of some operators depends.
  package let inputCount: Int
  /// The number of the node's outputs, on which the meaning of some operators depends.
  package let outputCount: Int
  private let subgraphs: (any SubgraphDecoder)?

  package init(
    _ attributes: [Attribute], opset: Int, inputCount: Int = 1, outputCount: Int = 1,
    subgraphs: (any SubgraphDecoder)? = nil
  ) {
    self.attributes = attributes
    self.opset = opset
    self.inputCount = inputCount
    self.outputCount = outputCount
    self.subgraphs = subgraphs
  }

  package subscript(name: String) -> AttributeValue? {
    attributes.first { $0.name == name }?.value
  }

  package func int(_ name: String) throws(OperatorError) -> Int? {
    switch self[name] {
    case nil: nil
    case .int(let value): Int(value)
    case let other?: throw kindError(name, "int", other)
    }
  }

  package func int(_ name: String, default fallback: Int) throws(OperatorError) -> Int {
    try int(name) ?? fallback
  }

  package func bool(_ name: String, default fallback: Bool) throws(OperatorError) -> Bool {
    try int(name).map { $0 != 0 } ?? fallback
  }

  package func float(_ name: String) throws(OperatorError) -> Float? {
    switch self[name] {
    case nil: nil
    case .float(let value): value
    case let other?: throw kindError(name, "float", other)
    }
  }

  package func float(_ name: String, default fallback: Float) throws(OperatorError) -> Float {
    try float(name) ?? fallback
  }

  package func string(_ name: String) throws(OperatorError) -> String? {
    switch self[name] {
    case nil: nil
    case .string(let bytes): String(decoding: bytes, as: UTF8.self)
    case let other?: throw kindError(name, "string", other)
    }
  }

  package func string(_ name: String, default fallback: String) throws(OperatorError) -> String {
    try string(name) ?? fallback
  }

  package func ints(_ name: String) throws(OperatorError) -> [Int]? {
    switch self[name] {
    case nil: nil
    case .ints(let values): values.map { Int($0) }
    // Some exporters write an empty list without a kind, and it may be read back as any of them.
    case .floats([]): []
    case let other?: throw kindError(name, "ints", other)
    }
  }

  package func floats(_ name: String) throws(OperatorError) -> [Float]? {
    switch self[name] {
    case nil: nil
    case .floats(let values): values
    case .ints([]): []
    case let other?: throw kindError(name, "floats", other)
    }
  }

  package func tensor(_ name: String) throws(OperatorError) -> Tensor? {
    switch self[name] {
    case nil: nil
    case .tensor(let value): value
    case let other?: throw kindError(name, "tensor", other)
    }
  }

  package func subgraph(_ name: String) throws(OperatorError) -> Subgraph? {
    switch self[name] {
    case nil: nil
    case .serialized(let bytes): subgraphs.map { Subgraph(bytes, $0) }
    case let other?: throw kindError(name, "graph", other)
    }
  }

  private func kindError(_ name: String, _ expected: String, _ actual: AttributeValue)
    -> OperatorError
  { .attributeKind(name: name, expected: expected, actual: actual.kind) }
}
