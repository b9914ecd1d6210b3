import Execution
import GraphIR
import TensorCore

/// `y = not x` (ONNX Not, opset 1).
package struct Not: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Not", since: 1, inputs: 1...1, inputTypes: [[.bool]])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [TensorType(.bool, inputs.dimensions(0))]
  }

  /// Any byte but 0 is true.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try map(UInt8.self, UInt8.self, context) { $0 == 0 ? 1 : 0 }
  }
}
