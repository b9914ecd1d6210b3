import Execution
import GraphIR
import TensorCore

/// A property of each element of a tensor of floats.
package protocol ElementPredicate: SerializableOperator, ExecutableOperator {
  func holds(_ x: Double) -> Bool
}

extension ElementPredicate {
  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [TensorType(.bool, inputs.dimensions(0))]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    if try context.input(0).elementType == .float64 {
      return try map(Double.self, Bool.self, context) { holds($0) }
    }
    _ = try context.floatInput(0)
    return try map(Float.self, Bool.self, context) { holds(Double($0)) }
  }
}
