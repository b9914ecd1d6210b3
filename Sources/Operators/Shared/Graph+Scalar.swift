import Execution
import GraphIR
import TensorCore

extension Graph {
  /// A scalar of the element type of a node's first input, for what was an attribute and became an input.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)`` where the type isn't known, or is none of numbers.
  func scalar(_ value: Float, likeInputOf node: NodeID) throws(OperatorError) -> Tensor {
    guard case let input?? = self[node].inputs.first, let type = self[input].type?.elementType
    else { throw .unsupported(what: "an input of unknown type") }
    let scalar = Tensor(scalar: value)
    if type == .float32 { return scalar }
    let converted = try? ConstantEvaluator.evaluate(Cast(to: type), inputs: [scalar])
    guard let result = converted?.first else {
      throw .unsupported(what: "an input of type \(type.onnxName)")
    }
    return result
  }
}
