import GraphIR
import Operators
import TensorCore

extension Node {
  /// The quantizer of QONNX that the node is; `nil` for other nodes.
  var quant: Quant? { op as? Quant }
}

extension Graph {
  /// The constant that a quantizer of QONNX makes a value of; `nil` for other values.
  func quantizedConstant(_ value: ValueID) -> Tensor? {
    guard let node = producer(of: value), node.quant != nil else { return nil }
    return node.inputs[0].flatMap { self[$0].constant }
  }
}

extension DotProductLayer {
  /// The layer at a node whose weight is a constant behind a quantizer of QONNX; `nil` for other nodes.
  static func quantized(_ id: NodeID, in graph: Graph) -> DotProductLayer? {
    DotProductLayer(id, in: graph) { graph.quantizedConstant($0)?.shape }
  }
}
