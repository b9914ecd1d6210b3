import GraphIR
import TensorCore

extension ModelFile {
  /// What the model takes and gives, as JSON: names, element types as ONNX numbers them, and shapes with `null` for open
  /// sizes.
  ///
  /// - Throws: ``SnugError`` where the file can't be read.
  package func signature() throws(SnugError) -> JSONValue {
    let graph = try loadUndecoded().graph
    func described(_ values: [ValueID]) -> JSONValue {
      .array(
        values.map { id in
          let (name, type) = (graph[id].name, graph[id].type)
          let sizes = type?.dimensions.map { dimensions in
            JSONValue.array(dimensions.map { $0.size.map { JSONValue($0) } ?? .null })
          }
          return [
            "name": .string(name),
            "element_type": type.map { JSONValue($0.elementType.rawValue) } ?? .null,
            "shape": sizes ?? .null,
          ]
        })
    }
    return ["inputs": described(graph.inputs), "outputs": described(graph.outputs)]
  }
}
