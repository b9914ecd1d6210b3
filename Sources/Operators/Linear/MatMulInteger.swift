import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The product of 8-bit integers less their zero points, in 32 bits (ONNX MatMulInteger, opset 10).
///
/// Inputs: A `[..., M, K]`, B `[..., K, N]`, optional zero points: one number, or for A one a row, for B one a
/// column. Shapes broadcast as in MatMul.
package struct MatMulInteger: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "MatMulInteger", since: 10, inputs: 2...4, inputTypes: [IntegerProducts.operand])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let product = try MatMul().infer(Array(inputs.prefix(2)))[0]
    return [TensorType(.int32, product?.dimensions)]
  }
}

extension MatMulInteger: IntegerProductOperator {
  package var rightOperand: Int { 1 }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try makeKernel(context, sums: nil)
  }

  package func makeKernel(_ context: KernelContext, sums: (any IntegerSums)?) throws(KernelError)
    -> any Kernel
  {
    let (a, b) = (try context.input(0), try context.input(1))
    let (zeroA, zeroB) = (context.optional(2), context.optional(3))
    let loops = IntegerMatrixLoops(left: a.shape, right: b.shape)
    try loops.check(left: zeroA, right: zeroB)
    let scratch = try IntegerProducts.Scratch(loops.aCount, loops.bCount, sums: 0)
    let sums = sums ?? SinglePrecisionProduct(loops, context.engine) ?? loops
    return ClosureKernel(context) { operands in
      IntegerProducts.centred(
        operands.input(0, as: UInt8.self), isSigned: a.elementType == .int8, count: loops.aCount,
        zero: IntegerProducts.zeroPoint(operands, zeroA, 2), group: loops.inner,
        into: scratch.first)
      IntegerProducts.centred(
        operands.input(1, as: UInt8.self), isSigned: b.elementType == .int8, count: loops.bCount,
        zero: IntegerProducts.zeroPoint(operands, zeroB, 3), group: 1, into: scratch.second)
      sums.run(scratch.first, scratch.second, to: operands.output(as: Int32.self))
    }
  }
}
