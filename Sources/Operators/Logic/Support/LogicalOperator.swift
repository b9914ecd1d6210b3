import Execution
import GraphIR
import TensorCore

/// A function of two truth values, with multidirectional broadcasting.
package protocol LogicalOperator: SerializableOperator, ExecutableOperator {
  init()
  func value(_ a: Bool, _ b: Bool) -> Bool
}

extension LogicalOperator {
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [TensorType(.bool, try Dimensions.inferBroadcast(inputs)?.dimensions)]
  }

  /// Any byte but 0 is true.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try BroadcastKernels.map(context) { (a: UInt8, b: UInt8) -> UInt8 in
      value(a != 0, b != 0) ? 1 : 0
    }
  }
}
