import Execution
import GraphIR
import TensorCore

/// The remainder of A / B, with multidirectional broadcasting (ONNX Mod, opset 10, 13).
///
/// With the sign of the divisor, as Python's `%`; with `fmod` that of the dividend, as C's `fmod`, which is the
/// only form that floats have.
package struct Mod: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Mod", since: 10, inputs: 2...2, inputTypes: [.numeric])

  package var followsDividend: Bool

  package init(followsDividend: Bool = false) { self.followsDividend = followsDividend }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(followsDividend: try attributes.bool("fmod", default: false))
  }

  package func attributes() -> [Attribute] { [Attribute("fmod", .int(followsDividend ? 1 : 0))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try Dimensions.inferBroadcast(inputs)]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.requireOneType()
    let type = try context.input(0).elementType
    if type.isFloatingPoint, !followsDividend {
      throw .operator(
        .attributeValue(name: "fmod", value: "0", allowed: "1, for \(type.onnxName) inputs"))
    }
    switch type {
    case .float32:
      return try BroadcastKernels.map(context) { (a: Float, b: Float) in fmodf(a, b) }
    case .float64:
      return try BroadcastKernels.map(context) { (a: Double, b: Double) in fmod(a, b) }
    case .int8: return try kernel(Int8.self, context)
    case .uint8: return try kernel(UInt8.self, context)
    case .int16: return try kernel(Int16.self, context)
    case .uint16: return try kernel(UInt16.self, context)
    case .int32: return try kernel(Int32.self, context)
    case .uint32: return try kernel(UInt32.self, context)
    case .int64: return try kernel(Int64.self, context)
    case .uint64: return try kernel(UInt64.self, context)
    default:
      throw .operator(
        .elementType(input: 0, actual: type, allowed: [.float32, .float64] + .integer))
    }
  }

  /// - Throws: from the kernel, ``OperatorError/outOfRange(what:value:allowed:)`` for a divisor of 0.
  private func kernel<T: FixedWidthInteger & Sendable & BitwiseCopyable>(
    _ type: T.Type, _ context: KernelContext
  ) throws(KernelError) -> any Kernel {
    let divisors = try context.input(1).type.count
    let remainders = try BroadcastKernels.map(context) { (a: T, b: T) -> T in
      let remainder = b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
      let isOpposite = remainder != 0 && (remainder < 0) != (b < 0)
      return isOpposite && !followsDividend ? remainder &+ b : remainder
    }
    return ClosureKernel(context) { (operands) throws(KernelError) in
      let divisor = operands.input(1, as: T.self)
      for i in 0..<divisors where divisor[i] == 0 {
        throw .operator(.outOfRange(what: "divisor", value: 0, allowed: "other than 0"))
      }
      try remainders.forward(operands)
    }
  }
}
