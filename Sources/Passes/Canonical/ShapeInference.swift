import Execution
import GraphIR
import Operators
import TensorCore

/// Attaches the inferred type to every value.
///
/// 1. Operators infer from types and from constant inputs; a short value that known shapes determine, such as the
///    target of a Reshape computed by a Shape node and arithmetic, counts as constant too. Where only a part of its
///    elements is known, or known by a symbol, they infer from these (``DimensionArithmetic``).
/// 2. A type that the file states and inference refines keeps its symbolic names; where the two contradict
///    each other, inference wins: it is what the executor will compute. Symbols that differ are no
///    contradiction: a graph output keeps its own.
/// 3. Opaque operators leave what the file says.
package struct ShapeInference: Pass {
  package static let name = "shape-inference"

  /// Elements of a value that may say what a shape is.
  private static let shortCount = 1024

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    let order: [NodeID]
    do { order = try graph.topologicalOrder() } catch { throw .graph(error) }
    var edits: [Edit] = []
    var computed: [ValueID: Tensor] = [:]
    var elements: [ValueID: [Dimension]] = [:]
    for id in order {
      let node = graph[id]
      let inputs = node.inputs.map { input in
        input.map {
          InputInfo(
            type: graph[$0].type, constant: graph[$0].constant ?? computed[$0],
            elements: elements[$0])
        }
      }
      let types: [TensorType?]
      do { types = try node.op.infer(inputs) } catch {
        throw .node(name: node.name, type: node.op.type, error)
      }
      for (output, inferred) in zip(node.outputs, types) {
        guard let output, let inferred else { continue }
        let merged = merge(
          stated: graph[output].type, inferred: inferred, isOutput: graph.isOutput(output))
        if merged == graph[output].type { continue }
        graph[output].type = merged
        edits.append(Edit(node: node.name, "'\(graph[output].name)' is \(merged)"))
      }
      let isShort = node.outputs.allSatisfy { output in
        output.flatMap { graph[$0].type?.shape }.flatMap { Shape.elementCount($0) }
          .map { $0 <= Self.shortCount } ?? false
      }
      guard isShort else { continue }
      if let values = shapeArithmetic(node, inputs) {
        for case (let output?, let tensor) in zip(node.outputs, values) {
          computed[output] = tensor
        }
      } else if case let output?? = node.outputs.first,
        let known = partlyKnown(node, inputs, graph[output].type)
      {
        elements[output] = known
        computed[output] = constant(known, graph[output].type)
      }
    }
    return edits
  }

  /// The elements of a node's first output, of which not all are unknown.
  private func partlyKnown(_ node: Node, _ inputs: [InputInfo?], _ type: TensorType?)
    -> [Dimension]?
  {
    guard let shape = type?.shape, shape.count <= 1,
      let known = (node.op as? any DimensionArithmetic)?.elements(inputs),
      known.count == Shape.elementCount(shape), known.contains(where: { $0 != .unknown })
    else { return nil }
    return known
  }

  /// A vector all of whose elements are known after all, though not all inputs are.
  private func constant(_ elements: [Dimension], _ type: TensorType?) -> Tensor? {
    guard let type, let shape = type.shape else { return nil }
    let sizes = elements.compactMap(\.size)
    guard sizes.count == elements.count else { return nil }
    return Tensor(sizes.map { Int64($0) }, shape: shape).converted(exactlyTo: type.elementType)
  }

  /// The outputs of a node that reads shapes, or short values computed from them; `nil` for other nodes.
  private func shapeArithmetic(_ node: Node, _ inputs: [InputInfo?]) -> [Tensor]? {
    if let folded = (node.op as? any StaticOperator)?.fold(inputs) { return folded }
    guard node.op.isFoldable, !inputs.isEmpty,
      inputs.allSatisfy({ $0 == nil || ($0?.constant?.count ?? .max) <= Self.shortCount })
    else { return nil }
    return try? ConstantEvaluator.evaluate(
      node.op, inputs: inputs.map { $0?.constant }, outputCount: node.outputs.count)
  }

  private func merge(stated: TensorType?, inferred: TensorType, isOutput: Bool) -> TensorType {
    guard let stated, stated.elementType == inferred.elementType,
      let known = stated.dimensions
    else { return inferred }
    guard let dimensions = inferred.dimensions else { return stated }
    guard dimensions.count == known.count else { return inferred }
    return TensorType(
      inferred.elementType,
      zip(known, dimensions).map { stated, inferred in
        if inferred == .unknown { return stated }
        // Callers may know an output's symbols; inside, the symbol of the inputs tells more.
        if isOutput, case .symbolic = stated, case .symbolic = inferred { return stated }
        return inferred
      })
  }
}
