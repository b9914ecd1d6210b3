import Execution
import GraphIR
import TensorCore

/// A subgraph that runs as often as a trip count and a condition say (ONNX Loop, opset 1, 11, 13, 16 to 25).
///
/// Inputs: trip count and condition, both optional, and the values carried from one iteration to the next. The
/// body takes the iteration's number, the condition and those values; it gives the condition, the values, and
/// one slice of each output that is stacked along a new first axis.
package struct Loop: SerializableOperator, ControlFlowOperator {
  package static let schema = OperatorSchema(
    "Loop", since: 1, inputs: 0...Int.max, outputs: 1...Int.max)

  private let body: Subgraph
  private let raw: [Attribute]
  private let opset: Int

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let body = try attributes.subgraph("body") else {
      throw .missingAttribute(name: "body")
    }
    (self.body, raw, opset) = (body, attributes.attributes, attributes.opset)
  }

  package func attributes() -> [Attribute] { raw }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    try body.requireSameForm(across: opsets)
    return nil
  }

  package func inline(_ node: Node, _ inliner: inout ControlFlowInliner) throws(OperatorError) {
    let body = try body.decoded()
    var carried = Array(node.inputs.dropFirst(2))
    let stacked = body.graph.outputs.count - 1 - carried.count
    guard stacked >= 0, node.outputs.count <= carried.count + stacked else {
      throw .arity(
        what: "outputs of the body", expected: (1 + node.outputs.count)...Int.max,
        actual: body.graph.outputs.count)
    }
    let trips = try node.inputs.first?.map { (trips) throws(OperatorError) in
      try inliner.constantScalar(trips, "M")
    }
    var goesOn = true
    if node.inputs.count > 1, let condition = node.inputs[1] {
      goesOn = try inliner.constantScalar(condition, "cond") != 0
    }
    guard trips != nil || node.inputs.count > 1 && node.inputs[1] != nil || !goesOn else {
      throw .unsupported(what: "a loop without an end")
    }
    var slices = [[ValueID]](repeating: [], count: stacked)
    var iteration = 0
    while goesOn, trips.map({ iteration < $0 }) ?? true {
      guard iteration < ControlFlowInliner.maximumIterations else {
        throw .unsupported(
          what: "a loop of more than \(ControlFlowInliner.maximumIterations) iterations")
      }
      let prefix = "\(node.name)/\(iteration)/"
      let number = inliner.add(constant: Tensor(scalar: Int64(iteration)), prefix + "iteration")
      let condition = inliner.add(constant: Tensor(scalar: true), prefix + "condition")
      let results = try inliner.splice(
        body, of: node, prefix: prefix, inputs: [number, condition] + carried)
      carried = results[1..<1 + carried.count].map { $0 }
      for index in 0..<stacked { slices[index].append(results[1 + carried.count + index]) }
      goesOn = try inliner.constantScalar(results[0], "cond of an iteration") != 0
      iteration += 1
    }
    for (index, output) in node.outputs.enumerated() {
      guard let output else { continue }
      if index < carried.count {
        guard let value = carried[index] else { throw .missingInput(index: index + 2, name: "v") }
        inliner.assign(value, to: output, of: node.id)
        continue
      }
      let type = body.graph[body.graph.outputs[1 + index]].type
      let value = try inliner.stack(
        slices[index - carried.count], axis: 0, of: type, "\(node.name)/stack", opset: opset)
      inliner.assign(value, to: output, of: node.id)
    }
  }

  package func run(_ node: Node, _ inputs: [Tensor?], _ bodies: BodyRunner)
    throws(ExecutionError) -> [Tensor]
  {
    let trips = try inputs.first?.map { (trips) throws(ExecutionError) in
      try bodies.scalar(trips, "M")
    }
    var condition = inputs.count > 1 ? inputs[1] : nil
    guard trips != nil || condition != nil else {
      throw bodies.error(.unsupported(what: "a loop without an end"))
    }
    var carried = Array(inputs.dropFirst(2))
    var slices: [[Tensor]] = []
    var iteration = 0
    while trips.map({ iteration < $0 }) ?? true,
      try condition.map({ (value) throws(ExecutionError) in
        try bodies.scalar(value, "cond") != 0
      }) ?? true
    {
      guard iteration < BodyRunner.maximumIterations else {
        throw bodies.error(
          .unsupported(what: "a loop of more than \(BodyRunner.maximumIterations) iterations"))
      }
      let own: [Tensor?] = [Tensor(scalar: Int64(iteration)), condition ?? Tensor(scalar: true)]
      let results = try bodies.run(body, own + carried)
      guard results.count > carried.count else {
        throw bodies.error(
          .arity(
            what: "outputs of the body", expected: carried.count + 1...Int.max,
            actual: results.count))
      }
      condition = results[0]
      slices.append(Array(results[(1 + carried.count)...]))
      carried = results[1..<1 + carried.count].map { $0 }
      iteration += 1
    }
    var outputs: [Tensor] = []
    for (index, value) in carried.enumerated() {
      guard let value else { throw bodies.error(.missingInput(index: index + 2, name: "v")) }
      outputs.append(value)
    }
    let declared = try bodies.graph(of: body)
    for index in declared.outputs.indices.dropFirst(1 + carried.count) {
      let type = declared[declared.outputs[index]].type
      let place = index - 1 - carried.count
      outputs.append(try bodies.stack(slices.map { $0[place] }, axis: 0, of: type))
    }
    return outputs
  }
}

extension ControlFlowInliner {
  /// Slices joined along a new axis.
  ///
  /// - Parameter type: that of a slice, for the result of no slices.
  mutating func stack(
    _ slices: [ValueID], axis: Int, of type: TensorType?, _ name: String, opset: Int
  ) throws(OperatorError) -> ValueID {
    guard !slices.isEmpty else {
      guard let type, var shape = type.shape, axis <= shape.count, axis >= 0,
        let storage = type.elementType.byteCount(elements: 0)
      else {
        throw .unsupported(what: "a loop without iterations whose outputs are of no known shape")
      }
      shape.insert(0, at: axis)
      guard
        let tensor = Tensor(
          elementType: type.elementType, shape: shape,
          storage: TensorStorage(byteCount: storage) { _ in })
      else { throw .unsupported(what: "element type \(type.elementType.onnxName)") }
      return add(constant: tensor, name)
    }
    var parts: [ValueID] = []
    for slice in slices {
      if opset >= 13 {
        let axes = add(constant: Tensor([Int64(axis)], shape: [1]), name + "_axis")
        parts.append(add(Unsqueeze(axes: .input), name + "_slice", inputs: [slice, axes]))
      } else {
        parts.append(
          add(Unsqueeze(axes: .attribute([axis])), name + "_slice", inputs: [slice]))
      }
    }
    return add(Concat(axis: axis), name, inputs: parts)
  }
}
