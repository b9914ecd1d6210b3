import GraphIR
import TensorCore

/// One forward sweep over the graph that finds, for each value, the integers it can hold.
///
/// This is abstract interpretation with intervals: nothing is executed, and each node is visited once. The outputs of
/// an operator without a rule are real numbers, or the whole range of an integer type, so a rule that is missing here
/// can only make the analysis refuse.
struct FactAnalysis {
  let facts: FactTable
  /// The nodes that may hide dot products, with the reason.
  private(set) var unknown: [NodeID: Obstacle] = [:]
  /// The statements of the file that its operators disprove.
  private(set) var contradictions: [ModelFinding] = []
  /// The nodes, producers before consumers.
  let order: [NodeID]

  /// - Throws: ``GraphError`` where the graph has a cycle.
  init(_ model: Model) throws(GraphError) {
    facts = FactTable(graph: model.graph)
    order = try model.graph.topologicalOrder()
    for id in order {
      let node = model.graph[id]
      switch OperatorTable.entry(for: node, in: model) {
      case .unknown(let obstacle):
        unknown[id] = obstacle
        for case let output? in node.outputs { facts[output] = .real(obstacle) }
      case .known(let definition):
        let context = NodeContext(
          graph: model.graph, node: node, opset: model.opset(of: node.op.domain) ?? 1,
          facts: facts)
        Self.apply(definition, context, to: facts)
        contradictions += context.node.outputs.compactMap { $0 }
          .flatMap { contradictions(of: model.graph[$0]) }
      }
    }
  }

  /// Enters what a definition says about a node's outputs.
  static func apply(
    _ definition: OperatorDefinition, _ context: NodeContext, to facts: FactTable
  ) {
    for (position, output) in context.node.outputs.enumerated() {
      guard let output else { continue }
      let type = definition.elementType(context, output: position)
      let shape = definition.shape(context, position)
      facts.set(
        output, type: type, shape: shape,
        vector: position == 0 ? ShapeArithmetic.vector(context, shape: shape) : nil)
      let isCovered = position == 0 || definition.coversAllOutputs
      do throws(Obstacle) {
        if isCovered, let rule = definition.integers {
          facts[output] = try rule(context)
          continue
        }
        throw context.real(output: position)
      } catch {
        // An integer type bounds values that no rule bounds.
        if let type, let codes = CodeRange(of: type) {
          facts[output] = .codes(codes)
        } else {
          facts[output] = .real(error)
        }
      }
    }
  }

  /// A finding where a computed value is stated to have another element type or shape.
  private func contradictions(of value: Value) -> [ModelFinding] {
    guard let stated = value.type else { return [] }
    if let type = facts.elementType(of: value.id), type != stated.elementType {
      return [
        .contradictedType(
          value: value.name, stated: stated.elementType.onnxName, actual: type.onnxName)
      ]
    }
    guard let shape = facts.shape(of: value.id), let dimensions = stated.dimensions else {
      return []
    }
    let agrees =
      shape.count == dimensions.count
      && zip(shape, dimensions).allSatisfy { actual, stated in
        actual.known == nil || stated.size == nil || actual.known == stated.size
      }
    if agrees { return [] }
    return [
      .contradictedType(
        value: value.name, stated: stated.description,
        actual: "[" + shape.map { $0.known.map(String.init) ?? "?" }.joined(separator: "x") + "]")
    ]
  }
}
