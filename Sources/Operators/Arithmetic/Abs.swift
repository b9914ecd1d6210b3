import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = |x|` (ONNX Abs, opset 6, 13).
///
/// The least integer of a type wraps around to itself.
package struct Abs: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Abs", since: 6, inputs: 1...1, inputTypes: [.numeric])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { true }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { x.magnitude }

  /// The sign of x.
  package func slope(_ x: Double) -> Double { x < 0 ? -1 : x > 0 ? 1 : 0 }

  package var function: ElementwiseFunction? { .magnitude }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    guard try context.input(0).elementType.isInteger else { return try makeFloatKernel(context) }
    return try integerKernel(try context.number(0), context)
  }

  private func integerKernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    try map(T.self, T.self, context) { $0 < .zero ? T.difference(.zero, $0) : $0 }
  }
}
