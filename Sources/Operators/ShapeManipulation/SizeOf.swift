import Execution
import GraphIR
import TensorCore

/// The number of elements of a tensor as an int64 scalar (ONNX Size, opset 1, 13, 19 to 25).
package struct SizeOf: SerializableOperator, StaticOperator {
  package static let schema = OperatorSchema("Size", since: 1, inputs: 1...1)

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) -> [TensorType?] { [TensorType(.int64, shape: [])] }
}

extension SizeOf {
  package func fold(_ inputs: [InputInfo?]) -> [Tensor]? {
    guard let shape = inputs.type(0)?.shape, let count = Shape.elementCount(shape) else {
      return nil
    }
    return [Tensor(scalar: Int64(count))]
  }
}
