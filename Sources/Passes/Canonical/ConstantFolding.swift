import Execution
import GraphIR
import TensorCore

/// Replaces nodes whose inputs are all constant by their values.
///
/// 1. `Constant` and every other executable node without non-constant inputs: each output becomes an
///    initializer under its old name.
/// 2. Not folded: quantizers (their grid is what a quantized model says), opaque operators, and results of
///    more than ``maximumElements`` elements.
package struct ConstantFolding: Pass {
  package static let name = "constant-folding"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self]
  static let maximumElements = 1 << 28

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    let order: [NodeID]
    do { order = try graph.topologicalOrder() } catch { throw .graph(error) }
    var edits: [Edit] = []
    for id in order {
      let node = graph[id]
      guard node.op.isFoldable else { continue }
      let isConstant = node.inputs.allSatisfy { $0.map { graph[$0].constant != nil } ?? true }
      guard isConstant, isSmall(node, in: graph) else { continue }
      guard let results = try evaluate(node, in: graph) else { continue }
      graph.remove(id)
      for (output, result) in zip(node.outputs, results) {
        if let output { graph.setConstant(output, result) }
      }
      edits.append(Edit(node: node.name, "folded into a constant"))
    }
    return edits
  }

  /// The outputs of a node, or `nil` where the executor has no kernel for it.
  private func evaluate(_ node: Node, in graph: Graph) throws(PassError) -> [Tensor]? {
    do {
      return try ConstantEvaluator.evaluate(
        node.op, inputs: node.inputs.map { $0.flatMap { graph[$0].constant } },
        outputCount: node.outputs.count)
    } catch {
      switch error {
      case .operator(.unsupported): return nil
      case .operator(let error): throw .node(name: node.name, type: node.op.type, error)
      case .quantizer:
        // Only operators made for training quantize weights, and no pass sees them.
        throw .node(name: node.name, type: node.op.type, .unsupported(what: "training"))
      case .engine(let error): throw .execution(.engine(node: node.name, error))
      }
    }
  }

  private func isSmall(_ node: Node, in graph: Graph) -> Bool {
    node.outputs.allSatisfy { output in
      guard let shape = output.flatMap({ graph[$0].type?.shape }) else { return false }
      return Shape.elementCount(shape).map { $0 <= Self.maximumElements } ?? false
    }
  }
}
