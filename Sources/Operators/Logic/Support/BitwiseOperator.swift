import Execution
import GraphIR
import TensorCore

/// A function of the bits of two integers of one type, with multidirectional broadcasting.
package protocol BitwiseOperator: SerializableOperator, ExecutableOperator {
  func value<T: FixedWidthInteger>(_ a: T, _ b: T) -> T
}

extension BitwiseOperator {
  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try Dimensions.inferBroadcast(inputs)]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.requireOneType()
    switch try context.input(0).elementType {
    case .int8: return try kernel(Int8.self, context)
    case .uint8: return try kernel(UInt8.self, context)
    case .int16: return try kernel(Int16.self, context)
    case .uint16: return try kernel(UInt16.self, context)
    case .int32: return try kernel(Int32.self, context)
    case .uint32: return try kernel(UInt32.self, context)
    case .int64: return try kernel(Int64.self, context)
    case .uint64: return try kernel(UInt64.self, context)
    case let other:
      throw .operator(.elementType(input: 0, actual: other, allowed: .integer))
    }
  }

  private func kernel<T: FixedWidthInteger & Sendable & BitwiseCopyable>(
    _ type: T.Type, _ context: KernelContext
  ) throws(KernelError) -> any Kernel {
    try BroadcastKernels.map(context) { (a: T, b: T) -> T in value(a, b) }
  }
}
