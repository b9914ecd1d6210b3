import TensorCore

extension Graph {
  /// Copies the nodes and constants of another graph into this one, as the body of a call.
  ///
  /// - Parameters:
  ///   - body: the graph to copy, whose names get the prefix `prefix`.
  ///   - inputs: the value for each input of the body; `nil` where the call leaves it out.
  ///   - outputs: for each output of the body, an existing value without a producer that is to carry the result;
  ///     `nil` where it isn't wanted.
  ///   - identity: the operator that passes on a result for which the body has no node of its own.
  /// - Returns: the nodes that were added.
  @discardableResult
  package mutating func splice(
    _ body: Graph, prefix: String, inputs: [ValueID?], outputs: [ValueID?], identity: any Operator
  ) -> [NodeID] {
    var values: [ValueID: ValueID] = [:]
    var isAbsent: Set<ValueID> = []
    for (index, formal) in body.inputs.enumerated() {
      if index < inputs.count, let actual = inputs[index] {
        values[formal] = actual
      } else {
        isAbsent.insert(formal)
      }
    }
    var handedOn: [(from: ValueID, to: ValueID)] = []
    for (result, target) in zip(body.outputs, outputs) {
      guard let target else { continue }
      if body[result].producer != nil, values[result] == nil {
        values[result] = target
        if self[target].type == nil { self[target].type = body[result].type }
      } else {
        handedOn.append((result, target))
      }
    }
    var captured: Set<ValueID> = []
    for id in body.nodeIDs { captured.formUnion(body[id].captures.map(\.value)) }
    let results = Set(body.outputs)
    for id in body.valueIDs where values[id] == nil && !isAbsent.contains(id) {
      let value = body[id]
      // A few bytes that state types of values which nothing reads would grow with each call.
      if value.producer == nil, body.consumers(of: id).isEmpty, !captured.contains(id),
        !results.contains(id)
      {
        continue
      }
      let copy = addValue(name: prefix + value.name, type: value.type)
      self[copy].constant = value.constant
      self[copy].serializedConstant = value.serializedConstant
      values[id] = copy
    }
    var added: [NodeID] = []
    for id in body.nodeIDs {
      let node = body[id]
      var arguments = node.inputs.map { $0.flatMap { values[$0] } }
      while let last = arguments.last, last == nil { arguments.removeLast() }
      let copy = addNode(
        node.op, name: prefix + node.name, inputs: arguments,
        outputs: node.outputs.map { $0.flatMap { values[$0] } },
        captures: node.captures.compactMap { capture in
          values[capture.value].map { Capture(value: $0, name: capture.name) }
        })
      self[copy].documentation = node.documentation
      self[copy].overload = node.overload
      self[copy].metadata = node.metadata
      added.append(copy)
    }
    for (from, to) in handedOn {
      guard let source = values[from] else { continue }
      added.append(
        addNode(identity, name: prefix + "result", inputs: [source], outputs: [to]))
    }
    return added
  }
}
