import GraphIR
import TensorCore

/// An element-wise function of its first input: the output has that input's type.
public protocol UnaryElementwise: Operator {}

extension UnaryElementwise {
  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [inputs.type(0)]
  }
}
