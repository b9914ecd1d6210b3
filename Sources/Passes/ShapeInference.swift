import GraphIR
import Operators
import TensorCore

/// Attaches the inferred type to every value.
///
/// 1. Operators infer from types and from constant inputs.
/// 2. A type that the file states and inference refines keeps its symbolic names; where the two contradict
///    each other, inference wins: it is what the executor will compute. Symbols that differ are no
///    contradiction: a graph output keeps its own.
/// 3. Opaque operators leave what the file says.
public struct ShapeInference: Pass {
  public static let name = "shape-inference"

  public init() {}

  public func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    let order: [NodeID]
    do { order = try graph.topologicalOrder() } catch { throw .graph(error) }
    var edits: [Edit] = []
    for id in order {
      let node = graph[id]
      let inputs = node.inputs.map { input in
        input.map { InputInfo(type: graph[$0].type, constant: graph[$0].constant) }
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
    }
    return edits
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
