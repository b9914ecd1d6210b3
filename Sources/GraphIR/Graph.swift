import TensorCore

/// One application of an operator.
public struct Node: Sendable {
  public let id: NodeID
  public var op: any Operator
  /// The inputs, with `nil` for an optional one that is absent.
  public internal(set) var inputs: [ValueID?]
  /// The outputs, with `nil` for one that the file leaves unnamed.
  public internal(set) var outputs: [ValueID?]
  /// The values that the node's subgraphs read from this graph; the node is one of their consumers.
  public internal(set) var captures: [Capture] = []
  public internal(set) var name: String
  public var documentation: String = ""
  /// The overload, which chooses among functions of the same name (IR version 10).
  public var overload: String = ""
  /// The node's own metadata (IR version 10).
  public var metadata: [KeyValue] = []
  /// The serialized device configurations (IR version 11).
  public var deviceConfigurations: [[UInt8]] = []
}

/// A value that a subgraph reads by name; the subgraph itself stays serialized.
public struct Capture: Sendable, Hashable {
  public let value: ValueID
  /// The value's name in the subgraph. A graph in which the value has another name can't be written.
  public let name: String

  public init(value: ValueID, name: String) {
    self.value = value
    self.name = name
  }
}

/// An edge of the graph: the output of a node, a graph input, or a constant.
public struct Value: Sendable {
  public let id: ValueID
  public internal(set) var name: String
  public var type: TensorType?
  public internal(set) var producer: NodeID?
  /// The data of an initializer.
  public internal(set) var constant: Tensor?
  /// The serialized `SparseTensorProto` of a sparse initializer.
  public var serializedConstant: [UInt8]?
  /// Whether this is an initializer that the file also lists as a graph input (IR version 3).
  public var isListedInput = false
  /// The quantization annotations in the order of the file, such as `finn_datatype`.
  public var annotations: [KeyValue] = []
  public var documentation: String = ""
  /// The value's own metadata (IR version 10).
  public var metadata: [KeyValue] = []
  /// The serialized type where ``type`` can't express all of it, as for sequences, maps and denotations.
  public var serializedType: [UInt8]?
}

/// One entry of an ONNX `StringStringEntryProto` list.
public struct KeyValue: Sendable, Hashable {
  public var key: String
  public var value: String

  public init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }
}

/// A dataflow graph as a value: a copy is a snapshot that shares all tensors.
///
/// Nodes and values live in dense arrays under ids that are never reused; a removed node leaves a gap. Names are
/// labels, unique among nodes and among values. The mutating methods keep an index of consumers.
public struct Graph: Sendable {
  public var name: String
  public var documentation = ""
  /// The inputs that a caller must feed, in order, without initializers.
  public internal(set) var inputs: [ValueID] = []
  public internal(set) var outputs: [ValueID] = []
  /// The graph's own metadata (IR version 10).
  public var metadata: [KeyValue] = []

  var nodeSlots: [Node?] = []
  var valueSlots: [Value?] = []
  var uses: [[NodeID]] = []
  var valueNames = NameAllocator()
  var nodeNames = NameAllocator()

  public init(name: String = "graph") { self.name = name }

  /// The ids of all nodes in the order in which they were added.
  public var nodeIDs: [NodeID] { nodeSlots.compactMap { $0?.id } }
  /// The ids of all values in the order in which they were added.
  public var valueIDs: [ValueID] { valueSlots.compactMap { $0?.id } }

  /// - Precondition: the node exists.
  public subscript(id: NodeID) -> Node {
    get {
      guard let node = nodeSlots[Int(id.index)] else { preconditionFailure("removed node") }
      return node
    }
    _modify {
      guard var node = nodeSlots[Int(id.index)] else { preconditionFailure("removed node") }
      nodeSlots[Int(id.index)] = nil
      defer { nodeSlots[Int(id.index)] = node }
      yield &node
    }
  }

  /// - Precondition: the value exists.
  public subscript(id: ValueID) -> Value {
    get {
      guard let value = valueSlots[Int(id.index)] else { preconditionFailure("removed value") }
      return value
    }
    _modify {
      guard var value = valueSlots[Int(id.index)] else { preconditionFailure("removed value") }
      valueSlots[Int(id.index)] = nil
      defer { valueSlots[Int(id.index)] = value }
      yield &value
    }
  }

  /// The values that a node needs: its inputs, then those that its subgraphs read.
  func sources(of node: Node) -> [ValueID] {
    node.inputs.compactMap { $0 } + node.captures.map(\.value)
  }

  public func contains(_ id: NodeID) -> Bool {
    nodeSlots.indices.contains(Int(id.index)) && nodeSlots[Int(id.index)] != nil
  }

  public func contains(_ id: ValueID) -> Bool {
    valueSlots.indices.contains(Int(id.index)) && valueSlots[Int(id.index)] != nil
  }

  /// The nodes that read a value, each once, in the order in which they were added.
  public func consumers(of value: ValueID) -> [NodeID] { uses[Int(value.index)] }

  /// The node that computes a value; `nil` for graph inputs and constants.
  public func producer(of value: ValueID) -> Node? { self[value].producer.map { self[$0] } }

  public func isOutput(_ value: ValueID) -> Bool { outputs.contains(value) }

  /// The value with a name. The time is linear in the number of values.
  public func value(named name: String) -> ValueID? {
    valueSlots.lazy.compactMap { $0 }.first { $0.name == name }?.id
  }

  /// The node with a name. The time is linear in the number of nodes.
  public func node(named name: String) -> NodeID? {
    nodeSlots.lazy.compactMap { $0 }.first { $0.name == name }?.id
  }
}
