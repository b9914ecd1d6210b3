import Execution
import GraphIR
import TensorCore

/// A function of two truth values, with multidirectional broadcasting.
public protocol LogicalOperator: SerializableOperator, ExecutableOperator {
  init()
  func value(_ a: Bool, _ b: Bool) -> Bool
}

extension LogicalOperator {
  public init(attributes: AttributeReader) { self.init() }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [TensorType(.bool, try Dimensions.inferBroadcast(inputs)?.dimensions)]
  }

  /// Any byte but 0 is true.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try BroadcastKernels.map(context) { (a: UInt8, b: UInt8) -> UInt8 in
      value(a != 0, b != 0) ? 1 : 0
    }
  }
}
