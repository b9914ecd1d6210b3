import GraphIR
import Operators
import TensorCore

/// Makes a graph compute in single precision throughout.
///
/// 1. Constants of type float16, bfloat16 and double become float32.
/// 2. `Cast` to one of these types casts to float32.
/// 3. Graph inputs of these types take float32.
///
/// Types inferred before are dropped, so that shape inference runs again.
package struct FloatWidening: Pass {
  package static let name = "float-widening"
  private static let others: Set<ElementType> = [.float16, .bfloat16, .float64]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.valueIDs {
      let value = graph[id]
      // Case 1
      if let constant = value.constant, Self.others.contains(constant.elementType),
        let widened = constant.convertedToFloat()
      {
        graph.setConstant(id, widened)
        edits.append(Edit(node: value.name, "\(constant.elementType.onnxName) made float"))
      }
      // Case 3
      if graph.inputs.contains(id), let type = value.type, Self.others.contains(type.elementType) {
        graph[id].type?.elementType = .float32
        edits.append(Edit(node: value.name, "input \(type.elementType.onnxName) made float"))
      }
    }
    // Case 2
    for id in graph.nodeIDs {
      guard let cast = graph[id].op as? Cast, Self.others.contains(cast.target) else { continue }
      graph[id].op = Cast(to: .float32)
      edits.append(Edit(node: graph[id].name, "casts to float"))
    }
    if edits.isEmpty { return [] }
    for id in graph.valueIDs where graph[id].producer != nil {
      if let type = graph[id].type, Self.others.contains(type.elementType) {
        graph[id].type?.elementType = .float32
      }
    }
    return edits
  }
}
