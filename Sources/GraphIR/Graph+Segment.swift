extension Graph {
  /// The part of the graph that computes `outputs` from `inputs`, which become its own; ids and names stay the same.
  ///
  /// The time is that of the part, but for copies of the arrays that ids index.
  ///
  /// - Parameter inputs: values of the graph that are not constant. What computes them isn't part of it.
  package func segment(from inputs: [ValueID], to outputs: [ValueID]) -> Graph {
    var part = self
    part.inputs = inputs
    part.outputs = outputs
    part.nodeSlots = Array(repeating: nil, count: nodeSlots.count)
    part.valueSlots = Array(repeating: nil, count: valueSlots.count)
    part.uses = Array(repeating: [], count: uses.count)
    let given = Set(inputs)
    for input in inputs {
      var value = self[input]
      value.producer = nil
      part.valueSlots[Int(input.index)] = value
    }
    var stack = outputs
    while let id = stack.popLast() {
      guard part.valueSlots[Int(id.index)] == nil else { continue }
      part.valueSlots[Int(id.index)] = self[id]
      guard let producer = self[id].producer, !part.contains(producer) else { continue }
      var node = self[producer]
      for (position, output) in node.outputs.enumerated() {
        guard let output else { continue }
        if given.contains(output) { node.outputs[position] = nil } else { stack.append(output) }
      }
      part.nodeSlots[Int(producer.index)] = node
      stack += sources(of: node)
    }
    for id in part.nodeIDs {
      for source in sources(of: part[id]) where part.uses[Int(source.index)].last != id {
        part.uses[Int(source.index)].append(id)
      }
    }
    return part
  }
}
