import GraphIR
import Operators

extension Node {
  /// The quantizer of QONNX that the node is; `nil` for other nodes.
  var quant: Quant? { op as? Quant }
}
