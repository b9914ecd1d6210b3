extension Graph {
  /// Checks edges, the use index, acyclicity and arity.
  ///
  /// - Throws: ``GraphError`` with the first violation found.
  package func validate() throws(GraphError) {
    let given = Set(inputs)
    func isProvided(_ id: ValueID) -> Bool {
      guard let value = valueSlots[Int(id.index)] else { return false }
      return value.producer != nil || value.constant != nil || value.serializedConstant != nil
        || given.contains(id)
    }
    for id in nodeIDs {
      let node = self[id]
      for source in sources(of: node) where !isProvided(source) {
        throw .danglingValue(name: displayName(source), consumer: node.name)
      }
      for case let output? in node.outputs {
        precondition(self[output].producer == id, "producer of \(displayName(output))")
      }
      do {
        try type(of: node.op).schema.checkArity(node)
      } catch {
        throw .node(name: node.name, type: node.op.type, error)
      }
    }
    for output in outputs where !isProvided(output) {
      throw .danglingValue(name: displayName(output), consumer: nil)
    }
    checkUseIndex()
    _ = try topologicalOrder()
  }

  /// Checks the index of uses.
  ///
  /// - Precondition: the index lists exactly the nodes that read each value, each of them once.
  private func checkUseIndex() {
    var indexed: Set<Use> = []
    for (value, consumers) in uses.enumerated() {
      for consumer in consumers {
        let isNew = indexed.insert(Use(value: ValueID(value), node: consumer)).inserted
        precondition(isNew, "use index lists a node twice")
      }
    }
    for id in nodeIDs {
      for source in Set(sources(of: self[id])) {
        let use = indexed.remove(Use(value: source, node: id))
        precondition(use != nil, "use index of \(displayName(source))")
      }
    }
    precondition(indexed.isEmpty, "use index lists a node that does not read the value")
  }

  private struct Use: Hashable {
    let value: ValueID
    let node: NodeID
  }

  private func displayName(_ id: ValueID) -> String {
    valueSlots[Int(id.index)]?.name ?? "(removed)"
  }
}

extension OperatorSchema {
  /// Checks the number of inputs and outputs of a node.
  ///
  /// - Throws: ``OperatorError/arity(what:expected:actual:)`` where it has too few or too many.
  package func checkArity(_ node: Node) throws(OperatorError) {
    guard inputs.contains(node.inputs.count) else {
      throw .arity(what: "inputs", expected: inputs, actual: node.inputs.count)
    }
    guard outputs.contains(node.outputs.count) else {
      throw .arity(what: "outputs", expected: outputs, actual: node.outputs.count)
    }
    for index in 0..<inputs.lowerBound where node.inputs[index] == nil {
      throw .missingInput(index: index, name: "\(index)")
    }
  }
}
