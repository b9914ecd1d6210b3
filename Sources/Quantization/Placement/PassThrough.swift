import GraphIR
import Operators

/// Operators that only move values or choose among them, so that a quantizer before them serves after them.
enum PassThrough {
  /// Positions of the inputs whose elements reappear in output 0, or `nil` where the operator computes.
  static func dataPositions(of node: Node) -> [Int]? {
    switch node.op {
    case is Reshape, is Flatten, is Transpose, is Squeeze, is Unsqueeze, is MaxPool,
      is DepthToSpace,
      is Identity, is Dropout, is Slice:
      [0]
    case is Concat: Array(node.inputs.indices)
    default: nil
    }
  }
}
