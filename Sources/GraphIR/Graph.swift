import TensorCore

/// One application of an operator.
package struct Node: Sendable {
  package let id: NodeID
  package var op: any Operator
  /// The inputs, with `nil` for an optional one that is absent.
  package internal(set) var inputs: [ValueID?]
  /// The outputs, with `nil` for one that the file leaves unnamed.
  package internal(set) var outputs: [ValueID?]
  /// The values that the node's subgraphs read from this graph; the node is one of their consumers.
  package internal(set) var captures: [Capture] = []
  package internal(set) var name: String
  package var documentation: String = ""
  /// The overload, which chooses among functions of the same name (IR version 10).
  package var overload: String = ""
  /// The node's own metadata (IR version 10).
  package var metadata: [KeyValue] = []
  /// The serialized device configurations (IR version 11).
  package var deviceConfigurations: [[UInt8]] = []
}

/// A value that a subgraph reads by name; the subgraph itself stays serialized.
package struct Capture: Sendable, Hashable {
  package let value: ValueID
  /// The value's name in the subgraph. A graph in which the value has another name can't be written.
  package let name: String

  package init(value: ValueID, name: String) {
    self.value = value
    self.name = name
  }
}

/// An edge of the graph: the output of a node, a graph input, or a constant.
package struct Value: Sendable {
  package let id: ValueID
  package internal(set) var name: String
  package var type: TensorType?
  package internal(set) var producer: NodeID?
  /// The data of an initializer.
  package internal(set) var constant: Tensor?
  /// The serialized `SparseTensorProto` of a sparse initializer.
  package var serializedConstant: [UInt8]?
  /// Whether this is an initializer that the file also lists as a graph input (IR version 3).
  package var isListedInput = false
  /// The quantization annotations in the order of the file, such as `finn_datatype`.
  package var annotations: [KeyValue] = []
  package var documentation: String = ""
  /// The value's own metadata (IR version 10).
  package var metadata: [KeyValue] = []
  /// The serialized type where ``type`` can't express all of it, as for sequences, maps and denotations.
  package var serializedType: [UInt8]?
}

/// One entry of an ONNX `StringStringEntryProto` list.
package struct KeyValue: Sendable, Hashable {
  package var key: String
  package var value: String

  package init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }
}

/// A dataflow graph as a value: a copy is a snapshot that shares all tensors.
///
/// Nodes and values live in dense arrays under ids that are never reused; a removed node leaves a gap. Names are
/// labels, unique among nodes and among values. The mutating methods keep an index of consumers.
package struct Graph: Sendable {
  package var name: String
  package var documentation = ""
  /// The inputs that a caller must feed, in order, without initializers.
  package internal(set) var inputs: [ValueID] = []
  package internal(set) var outputs: [ValueID] = []
  /// The graph's own metadata (IR version 10).
  package var metadata: [KeyValue] = []

  var nodeSlots: [Node?] = []
  var valueSlots: [Value?] = []
  var uses: [[NodeID]] = []
  var valueNames = NameAllocator()
  var nodeNames = NameAllocator()

  package init(name: String = "graph") { self.name = name }

  /// The ids of all nodes in the order in which they were added.
  package var nodeIDs: [NodeID] { nodeSlots.compactMap { $0?.id } }
  /// The ids of all values in the order in which they were added.
  package var valueIDs: [ValueID] { valueSlots.compactMap { $0?.id } }

  /// - Precondition: the node exists.
  package subscript(id: NodeID) -> Node {
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
  package subscript(id: ValueID) -> Value {
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

  package func contains(_ id: NodeID) -> Bool {
    nodeSlots.indices.contains(Int(id.index)) && nodeSlots[Int(id.index)] != nil
  }

  package func contains(_ id: ValueID) -> Bool {
    valueSlots.indices.contains(Int(id.index)) && valueSlots[Int(id.index)] != nil
  }

  /// The nodes that read a value, each once, in the order in which they were added.
  package func consumers(of value: ValueID) -> [NodeID] { uses[Int(value.index)] }

  /// The node that computes a value; `nil` for graph inputs and constants.
  package func producer(of value: ValueID) -> Node? { self[value].producer.map { self[$0] } }

  package func isOutput(_ value: ValueID) -> Bool { outputs.contains(value) }

  /// The value with a name. The time is linear in the number of values.
  package func value(named name: String) -> ValueID? {
    valueSlots.lazy.compactMap { $0 }.first { $0.name == name }?.id
  }

  /// The node with a name. The time is linear in the number of nodes.
  package func node(named name: String) -> NodeID? {
    nodeSlots.lazy.compactMap { $0 }.first { $0.name == name }?.id
  }
}
