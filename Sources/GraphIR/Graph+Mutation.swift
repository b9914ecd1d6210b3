import TensorCore

extension Graph {
  // MARK: Values

  /// Adds a value without a producer or data, which `addNode` or `setConstant` then provides.
  @discardableResult
  package mutating func addValue(name: String, type: TensorType? = nil) -> ValueID {
    let id = ValueID(valueSlots.count)
    valueSlots.append(Value(id: id, name: valueNames.claim(name), type: type))
    uses.append([])
    return id
  }

  /// Adds an input, a value that the caller of the graph feeds.
  @discardableResult
  package mutating func addInput(name: String, type: TensorType?) -> ValueID {
    let id = addValue(name: name, type: type)
    inputs.append(id)
    return id
  }

  /// Adds a constant (an ONNX initializer).
  @discardableResult
  package mutating func addConstant(name: String, _ tensor: Tensor) -> ValueID {
    let id = addValue(name: name, type: tensor.type)
    self[id].constant = tensor
    return id
  }

  /// Makes a value without a producer constant, or replaces the data of a constant.
  ///
  /// - Precondition: no node computes the value.
  package mutating func setConstant(_ id: ValueID, _ tensor: Tensor) {
    precondition(self[id].producer == nil, "value has a producer")
    self[id].constant = tensor
    self[id].serializedConstant = nil
    self[id].type = tensor.type
  }

  package mutating func addOutput(_ id: ValueID) { outputs.append(id) }

  /// Gives a value another name, which is made unique where it is taken.
  package mutating func rename(_ id: ValueID, to name: String) {
    if self[id].name == name { return }
    valueNames.release(self[id].name)
    self[id].name = valueNames.claim(name)
  }

  /// Exchanges the names of two values; for rewrites at graph outputs.
  package mutating func swapNames(_ a: ValueID, _ b: ValueID) {
    let name = self[a].name
    self[a].name = self[b].name
    self[b].name = name
  }

  // MARK: Nodes

  /// Adds a node whose outputs are existing values without a producer.
  ///
  /// - Precondition: no output has a producer, data, or is a graph input.
  @discardableResult
  package mutating func addNode(
    _ op: any Operator, name: String, inputs: [ValueID?], outputs: [ValueID?],
    captures: [Capture] = []
  ) -> NodeID {
    let id = NodeID(nodeSlots.count)
    for case let output? in outputs {
      precondition(self[output].producer == nil && self[output].constant == nil)
      self[output].producer = id
    }
    let node = Node(
      id: id, op: op, inputs: inputs, outputs: outputs, captures: captures,
      name: nodeNames.claim(name))
    nodeSlots.append(node)
    for source in sources(of: node) where uses[Int(source.index)].last != id {
      uses[Int(source.index)].append(id)
    }
    return id
  }

  /// Adds a node with one new output value, which it returns.
  package mutating func addNode(
    _ op: any Operator, name: String, inputs: [ValueID?], output: String, type: TensorType? = nil
  ) -> ValueID {
    let value = addValue(name: output, type: type)
    addNode(op, name: name, inputs: inputs, outputs: [value])
    return value
  }

  /// Replaces one input of a node.
  package mutating func setInput(_ node: NodeID, _ position: Int, to value: ValueID?) {
    let old = self[node].inputs[position]
    self[node].inputs[position] = value
    if let old, !sources(of: self[node]).contains(old) { removeUse(of: old, by: node) }
    if let value { addUse(of: value, by: node) }
  }

  /// Replaces all inputs of a node.
  package mutating func setInputs(_ node: NodeID, to values: [ValueID?]) {
    for old in sources(of: self[node]) { removeUse(of: old, by: node) }
    self[node].inputs = values
    for value in sources(of: self[node]) { addUse(of: value, by: node) }
  }

  /// Replaces `old` by `new` in every consumer, except those listed, and in the graph's outputs.
  ///
  /// A graph output keeps its name: the two values swap names.
  package mutating func replaceAllUses(
    of old: ValueID, with new: ValueID, except excluded: [NodeID] = []
  ) {
    for consumer in consumers(of: old) where !excluded.contains(consumer) {
      for position in self[consumer].inputs.indices where self[consumer].inputs[position] == old {
        setInput(consumer, position, to: new)
      }
      guard self[consumer].captures.contains(where: { $0.value == old }) else { continue }
      self[consumer].captures = self[consumer].captures.map {
        $0.value == old ? Capture(value: new, name: $0.name) : $0
      }
      removeUse(of: old, by: consumer)
      addUse(of: new, by: consumer)
    }
    if outputs.contains(old) {
      outputs = outputs.map { $0 == old ? new : $0 }
      swapNames(old, new)
    }
  }

  /// Removes a node. Its outputs stay as values without a producer until ``removeUnusedValues()``.
  package mutating func remove(_ id: NodeID) {
    let node = self[id]
    for source in sources(of: node) { removeUse(of: source, by: id) }
    for case let output? in node.outputs { self[output].producer = nil }
    nodeNames.release(node.name)
    nodeSlots[Int(id.index)] = nil
  }

  /// Detaches an output from its node, whose output is then unnamed, so that another node can compute the value.
  ///
  /// - Precondition: the node computes the value.
  package mutating func release(_ value: ValueID, from node: NodeID) {
    precondition(self[value].producer == node)
    self[node].outputs = self[node].outputs.map { $0 == value ? nil : $0 }
    self[value].producer = nil
  }

  /// Removes values that no node reads or computes and that are neither inputs nor outputs.
  package mutating func removeUnusedValues() {
    let kept = Set(inputs).union(outputs)
    for id in valueIDs where !kept.contains(id) && uses[Int(id.index)].isEmpty {
      if self[id].producer != nil { continue }
      valueNames.release(self[id].name)
      valueSlots[Int(id.index)] = nil
    }
  }

  private mutating func addUse(of value: ValueID, by node: NodeID) {
    if !uses[Int(value.index)].contains(node) { uses[Int(value.index)].append(node) }
  }

  private mutating func removeUse(of value: ValueID, by node: NodeID) {
    uses[Int(value.index)].removeAll { $0 == node }
  }
}
