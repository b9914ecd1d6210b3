import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// Scaler(x): the features in the last axis less their offsets, times their scales, as floats.
  static func scaler(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let offsets = try attributes.floats("offset") ?? []
    let scales = try attributes.floats("scale") ?? []
    guard rewrite.opset >= 7, let x = rewrite.input(0),
      let type = graph[x].type?.elementType, !offsets.isEmpty, !scales.isEmpty
    else { return false }
    func constant(_ values: [Float], _ part: String, _ graph: inout Graph) -> ValueID {
      graph.addConstant(
        name: "\(rewrite.node.name)_\(part)", Tensor(values, shape: [values.count]))
    }
    graph.remove(rewrite.node.id)
    let floats =
      type == .float32
      ? x : rewrite.add(Cast(to: .float32), "floats", [x], to: &graph)
    let centred = rewrite.add(
      Sub(), "centred", [floats, constant(offsets, "offset", &graph)], to: &graph)
    rewrite.finish(Mul(), [centred, constant(scales, "scale", &graph)], to: &graph)
    return true
  }
}
