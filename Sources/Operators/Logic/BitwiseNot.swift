import Execution
import GraphIR
import TensorCore

/// The complement of each bit (ONNX BitwiseNot, opset 18).
package struct BitwiseNot: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "BitwiseNot", since: 18, inputs: 1...1, inputTypes: [.integer])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [inputs.type(0)]
  }

  /// By the width of the elements alone, since the sign doesn't matter.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    switch try context.input(0).elementBytes() {
    case 1: return try map(UInt8.self, UInt8.self, context) { ~$0 }
    case 2: return try map(UInt16.self, UInt16.self, context) { ~$0 }
    case 4: return try map(UInt32.self, UInt32.self, context) { ~$0 }
    default: return try map(UInt64.self, UInt64.self, context) { ~$0 }
    }
  }
}
