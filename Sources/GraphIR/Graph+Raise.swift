import TensorCore

/// What operators write themselves with in a later opset (``SerializableOperator/raise(_:in:across:)``).
extension Graph {
  /// Gives a node a constant as an input, after absent ones where it has too few.
  package mutating func setInput(
    _ node: NodeID, _ position: Int, toConstant tensor: Tensor, _ suffix: String
  ) {
    let value = addConstant(name: self[node].name + suffix, tensor)
    var inputs = self[node].inputs
    while inputs.count <= position { inputs.append(nil) }
    inputs[position] = value
    setInputs(node, to: inputs)
  }

  /// Gives a node a list of integers as an input, after absent ones where it has too few.
  package mutating func setInput(
    _ node: NodeID, _ position: Int, toIntegers list: [Int], _ suffix: String
  ) {
    setInput(
      node, position, toConstant: Tensor(list.map(Int64.init), shape: [list.count]), suffix)
  }

  /// Puts a node with one output before an input of a node.
  package mutating func insert(
    _ op: any Operator, before node: NodeID, _ position: Int, inputs further: [ValueID?] = [],
    _ suffix: String
  ) {
    let data = self[node].inputs[position]
    let type = data.flatMap { self[$0].type }.map { TensorType($0.elementType, nil) }
    let name = self[node].name + suffix
    let value = addNode(op, name: name, inputs: [data] + further, output: name, type: type)
    setInput(node, position, to: value)
  }

  /// Puts a node behind the first output of a node; what read that output reads the new node's.
  ///
  /// - Precondition: the node's first output is present.
  package mutating func insert(
    _ op: any Operator, behind node: NodeID, inputs further: [ValueID?] = [], _ suffix: String
  ) {
    guard case let output?? = self[node].outputs.first else {
      preconditionFailure("an output that isn't there")
    }
    let name = self[node].name + suffix
    let type = self[output].type.map { TensorType($0.elementType, nil) }
    let inner = addValue(name: name, type: type)
    self[output].producer = nil
    self[node].outputs[0] = inner
    self[inner].producer = node
    addNode(op, name: name, inputs: [inner] + further, outputs: [output])
  }

  /// Takes away the outputs of a node from a position on.
  ///
  /// - Returns: whether nothing reads them; nothing is changed otherwise.
  package mutating func dropOutputs(_ node: NodeID, from position: Int) -> Bool {
    let dropped = self[node].outputs.dropFirst(position).compactMap { $0 }
    guard dropped.allSatisfy({ consumers(of: $0).isEmpty && !isOutput($0) }) else { return false }
    for value in dropped { self[value].producer = nil }
    self[node].outputs.removeLast(max(self[node].outputs.count - position, 0))
    return true
  }
}
