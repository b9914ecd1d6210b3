import CKernels
import DNNEngine
import Execution
import GraphIR
import TensorCore

/// An element-wise function of two tensors with multidirectional broadcasting.
package protocol BinaryElementwise: SerializableOperator, ExecutableOperator {
  static var function: BinaryFunction { get }
  init()
}

extension BinaryElementwise {
  package var elementwise: ElementwiseForm? { .binary }

  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try Dimensions.inferBroadcast(inputs)]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let a = try context.input(0)
    let b = try context.input(1)
    try context.requireOneType()
    switch a.elementType {
    case .float32: return try BinaryKernels.make(Self.function, a, b, context)
    case .int32: return try BinaryKernels.make(Self.function, Int32.self, context)
    case .int64: return try BinaryKernels.make(Self.function, Int64.self, context)
    default: return try BinaryKernels.make(Self.function, try context.number(0), context)
    }
  }
}

extension Dimensions {
  /// The type of an element-wise result: the first input's elements under the broadcast shape.
  static func inferBroadcast(_ inputs: [InputInfo?]) throws(OperatorError) -> TensorType? {
    guard let type = inputs.type(0)?.elementType ?? inputs.type(1)?.elementType else { return nil }
    guard let a = inputs.dimensions(0), let b = inputs.dimensions(1) else {
      return TensorType(type, nil)
    }
    return TensorType(type, try broadcast(a, b))
  }
}
