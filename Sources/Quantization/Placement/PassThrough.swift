import GraphIR
import Operators

/// Operators that only move values or choose among them, so that a quantizer before them serves after them.
enum PassThrough {
  /// Positions of the inputs whose elements reappear in an output, or `nil` where the operator computes.
  static func dataPositions(of node: Node, output: ValueID) -> [Int]? {
    // Other outputs of these operators are masks and positions.
    guard node.outputs.first == output || node.op is Split else { return nil }
    switch node.op {
    case is Reshape, is Flatten, is Transpose, is Squeeze, is Unsqueeze, is MaxPool,
      is GlobalMaxPool, is DepthToSpace, is SpaceToDepth, is Identity, is Dropout, is Slice,
      is Split, is Gather, is GatherElements, is GatherND, is Expand, is Tile:
      return [0]
    case let resize as Resize: return resize.selectsElements ? [0] : nil
    case let upsample as Upsample: return upsample.selectsElements ? [0] : nil
    case is Concat: return Array(node.inputs.indices)
    default: return nil
    }
  }
}
