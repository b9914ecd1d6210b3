import Execution
import GraphIR
import Operators
import TensorCore

/// Removes transpositions that undo each other, as exporters write around each convolution of a channels-last
/// model.
///
/// 1. A `Transpose` of a `Transpose` becomes one, or none where the two undo each other.
/// 2. A `Transpose` before an element-wise operator, a quantizer of one scale, or all inputs of a `Concat`, moves
///    behind it, where it may meet its inverse. Constant operands are transposed instead.
///
/// Nothing is changed unless fewer transpositions remain. Graph inputs and outputs keep their layouts.
package struct TransposeElimination: Pass {
  package static let name = "transpose-elimination"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self, ConstantFolding.self]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    let before = Self.transposes(in: graph)
    guard before.count > 1 else { return [] }
    var candidate = graph
    var hasChanged = true
    // One round carries a transposition as far as it goes; what remains are others that it has freed.
    var rounds = 64
    while hasChanged, rounds > 0 {
      rounds -= 1
      hasChanged = false
      let order: [NodeID]
      do { order = try candidate.topologicalOrder() } catch { throw .graph(error) }
      for id in order where candidate.contains(id) {
        if join(id, &candidate) || sink(id, &candidate) { hasChanged = true }
      }
      _ = try DeadNodeElimination().run(&candidate)
    }
    let after = Self.transposes(in: candidate).count
    guard after < before.count else { return [] }
    graph = candidate
    return [
      Edit(node: before[0], "\(before.count - after) of \(before.count) transpositions removed")
    ]
  }

  /// The names of transpositions of what isn't constant.
  private static func transposes(in graph: Graph) -> [String] {
    graph.nodeIDs.filter { graph[$0].op.isTransposition }.map { graph[$0].name }
  }

  /// The transposition that computes a value, with the value that it reads.
  private func transpose(_ value: ValueID?, in graph: Graph) -> (order: [Int], source: ValueID)? {
    guard let value, let node = graph.producer(of: value), let op = node.op as? Transpose,
      case let source?? = node.inputs.first
    else { return nil }
    let rank = graph[source].type?.rank ?? graph[value].type?.rank ?? op.permutation?.count
    guard let rank, let order = try? op.resolvedPermutation(rank: rank) else { return nil }
    return (order, source)
  }

  // MARK: Case 1

  private func join(_ id: NodeID, _ graph: inout Graph) -> Bool {
    let node = graph[id]
    guard node.op.isTransposition, case let input?? = node.inputs.first,
      case let output?? = node.outputs.first, let second = transpose(output, in: graph),
      let first = transpose(input, in: graph)
    else { return false }
    let order = second.order.map { first.order[$0] }
    guard order == Array(order.indices) else {
      graph[id].op = Transpose(permutation: order)
      graph.setInput(id, 0, to: first.source)
      return true
    }
    let source = graph[first.source]
    // One value can't be both a graph input, or another output, and this output.
    if graph.isOutput(output), source.producer == nil || graph.isOutput(first.source) {
      return false
    }
    graph.remove(id)
    graph.replaceAllUses(of: output, with: first.source)
    return true
  }

  // MARK: Case 2

  private func sink(_ id: NodeID, _ graph: inout Graph) -> Bool {
    let node = graph[id]
    guard node.outputs.count == 1, let output = node.outputs[0], node.captures.isEmpty else {
      return false
    }
    let moved: (op: any Operator, inputs: [ValueID?], order: [Int])?
    switch node.op.elementwise {
    case .parametrized where !node.inputs.dropFirst().allSatisfy({ isSingle($0, graph) }):
      moved = nil
    case .unary, .parametrized:
      moved = transpose(node.inputs.first ?? nil, in: graph).map {
        (node.op, [$0.source] + node.inputs.dropFirst(), $0.order)
      }
    case .binary, .sum: moved = binary(node, &graph)
    case nil: moved = (node.op as? Concat).flatMap { joined($0, node, graph) }
    }
    guard let moved else { return false }
    graph.remove(id)
    let name = graph[output].name
    let inner = graph.addNode(
      moved.op, name: node.name, inputs: moved.inputs, output: name + "_inner")
    // A data type is that of the elements, whatever their order.
    graph[inner].annotations = graph[output].annotations.filter { $0.key == "finn_datatype" }
    graph.addNode(
      Transpose(permutation: moved.order), name: node.name + "_transpose", inputs: [inner],
      outputs: [output])
    return true
  }

  private func isSingle(_ value: ValueID?, _ graph: Graph) -> Bool {
    value.flatMap { graph[$0].constant }?.count == 1
  }

  private func binary(_ node: Node, _ graph: inout Graph) -> (
    op: any Operator, inputs: [ValueID?], order: [Int]
  )? {
    guard node.inputs.count == 2 else { return nil }
    let found = node.inputs.map { transpose($0, in: graph) }
    if let a = found[0], let b = found[1] {
      guard a.order == b.order else { return nil }
      return (node.op, [a.source, b.source], a.order)
    }
    guard let position = found.firstIndex(where: { $0 != nil }), let data = found[position],
      let other = node.inputs[1 - position], let constant = graph[other].constant,
      constant.rank <= data.order.count
    else { return nil }
    var operand = other
    if constant.count != 1 {
      guard let tensor = unmoved(constant, data.order) else { return nil }
      operand = graph.addConstant(name: graph[other].name, tensor)
    }
    return (node.op, position == 0 ? [data.source, operand] : [operand, data.source], data.order)
  }

  /// The constant that a transposition of that order makes of the given one, without leading axes of one entry.
  private func unmoved(_ constant: Tensor, _ order: [Int]) -> Tensor? {
    let full = [Int](repeating: 1, count: order.count - constant.rank) + constant.shape
    var inverse = order
    for (new, old) in order.enumerated() { inverse[old] = new }
    guard let expanded = constant.reshaped(full),
      let results = try? ConstantEvaluator.evaluate(
        Transpose(permutation: inverse), inputs: [expanded])
    else { return nil }
    return results.first.flatMap { $0.reshaped(Array($0.shape.drop { $0 == 1 })) }
  }

  private func joined(_ concat: Concat, _ node: Node, _ graph: Graph) -> (
    op: any Operator, inputs: [ValueID?], order: [Int]
  )? {
    let found = node.inputs.compactMap { transpose($0, in: graph) }
    guard found.count == node.inputs.count, let first = found.first,
      found.allSatisfy({ $0.order == first.order }),
      let axis = Shape.normalizedAxis(concat.axis, rank: first.order.count)
    else { return nil }
    return (Concat(axis: first.order[axis]), found.map(\.source), first.order)
  }
}
