import Execution
import GraphIR
import TensorCore

/// `y = 1, 0 or -1 by the sign of x` (ONNX Sign, opset 9, 13).
package struct Sign: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Sign", since: 9, inputs: 1...1, inputTypes: [.numeric])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { x > 0 ? 1 : x < 0 ? -1 : x }

  /// 0: a step function.
  package func slope(_ x: Double) -> Double { 0 }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    guard try context.input(0).elementType.isInteger else { return try makeFloatKernel(context) }
    return try integerKernel(try context.number(0), context)
  }

  private func integerKernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    try map(T.self, T.self, context) {
      $0 > .zero ? .one : $0 < .zero ? T.difference(.zero, .one) : .zero
    }
  }
}
