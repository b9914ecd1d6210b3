import Execution
import GraphIR
import TensorCore

/// A relation between the elements of two tensors of one type, with multidirectional broadcasting.
package protocol Comparison: SerializableOperator, ExecutableOperator {
  static var relation: Relation { get }
  /// Whether booleans are compared too.
  static var takesBooleans: Bool { get }
  init()
}

/// What two elements are compared for. NaN stands in no relation to anything.
package enum Relation: Sendable, Hashable {
  case equal, less, lessOrEqual, greater, greaterOrEqual

  func holds<T: Comparable>(_ a: T, _ b: T) -> Bool {
    switch self {
    case .equal: a == b
    case .less: a < b
    case .lessOrEqual: a <= b
    case .greater: a > b
    case .greaterOrEqual: a >= b
    }
  }
}

extension Comparison {
  package static var takesBooleans: Bool { false }

  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [TensorType(.bool, try Dimensions.inferBroadcast(inputs)?.dimensions)]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.requireOneType()
    if try context.input(0).elementType == .float32 { return try kernel(Float.self, context) }
    return try kernel(try context.number(0, takesBooleans: Self.takesBooleans), context)
  }

  private func kernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    let relation = Self.relation
    return try BroadcastKernels.map(context) { (a: T, b: T) in relation.holds(a, b) }
  }
}
