import GraphIR
import TensorCore

/// An element-wise function of two tensors with multidirectional broadcasting.
public protocol BinaryElementwise: Operator {
  init()
}

extension BinaryElementwise {
  public init(attributes: AttributeReader) { self.init() }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0)?.elementType ?? inputs.type(1)?.elementType else {
      return [nil]
    }
    guard let a = inputs.dimensions(0), let b = inputs.dimensions(1) else {
      return [TensorType(type, nil)]
    }
    return [TensorType(type, try Dimensions.broadcast(a, b))]
  }
}
