import Execution
import GraphIR
import TensorCore

/// `y = -x` (ONNX Neg, opset 6, 13).
package struct Neg: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Neg", since: 6, inputs: 1...1, inputTypes: [.numeric])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { -x }

  /// -1.
  package func slope(_ x: Double) -> Double { -1 }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    guard try context.input(0).elementType.isInteger else { return try makeFloatKernel(context) }
    return try integerKernel(try context.number(0), context)
  }

  private func integerKernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    try map(T.self, T.self, context) { T.difference(.zero, $0) }
  }
}
