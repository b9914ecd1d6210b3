import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The product of 8-bit matrices, quantized to 8 bits (ONNX QLinearMatMul, opset 10, 21).
///
/// `y = saturate(round(sum * a_scale * b_scale / y_scale) + y_zero_point)`, with the exact sum of products of
/// integers less their zero points. Inputs: A, its scale and zero point, B, its scale and zero point, those of
/// Y. Parameters are one number, or for A one a row, for B one a column.
package struct QLinearMatMul: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "QLinearMatMul", since: 10, inputs: 8...8,
    inputTypes: [
      IntegerProducts.operand, .float, IntegerProducts.operand, IntegerProducts.operand, .float,
      IntegerProducts.operand, .float, IntegerProducts.operand,
    ])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let product = try MatMul().infer([inputs[0], inputs[3]])[0]
    guard let type = inputs.type(7)?.elementType else { return [nil] }
    return [TensorType(type, product?.dimensions)]
  }
}

extension QLinearMatMul: IntegerProductOperator {
  package var rightOperand: Int { 3 }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try makeKernel(context, sums: nil)
  }

  package func makeKernel(_ context: KernelContext, sums: (any IntegerSums)?) throws(KernelError)
    -> any Kernel
  {
    var all: [KernelInput] = []
    for index in 0..<8 { all.append(try context.input(index)) }
    let inputs = all
    let loops = IntegerMatrixLoops(left: inputs[0].shape, right: inputs[3].shape)
    try loops.check(left: inputs[1], right: inputs[4])
    try loops.check(left: inputs[2], right: inputs[5])
    guard inputs[6].type.count == 1, inputs[7].type.count == 1,
      let codec = IntegerCodec(try context.output().elementType)
    else { throw .operator(.unsupported(what: "an output scale for each row")) }
    let scratch = try IntegerProducts.Scratch(loops.aCount, loops.bCount, sums: loops.count)
    let sums = sums ?? SinglePrecisionProduct(loops, context.engine) ?? loops
    return ClosureKernel(context) { operands in
      IntegerProducts.centred(
        operands.input(0, as: UInt8.self), isSigned: inputs[0].elementType == .int8,
        count: loops.aCount, zero: IntegerProducts.zeroPoint(operands, inputs[2], 2),
        group: loops.inner, into: scratch.first)
      IntegerProducts.centred(
        operands.input(3, as: UInt8.self), isSigned: inputs[3].elementType == .int8,
        count: loops.bCount, zero: IntegerProducts.zeroPoint(operands, inputs[5], 5), group: 1,
        into: scratch.second)
      sums.run(scratch.first, scratch.second, to: scratch.sums)
      let a = IntegerProducts.scales(operands, inputs[1], 1)
      let b = IntegerProducts.scales(operands, inputs[4], 4)
      let target = IntegerProducts.scales(operands, inputs[6], 6)[0]
      let zero = Int(IntegerProducts.zeroPoint(operands, inputs[7], 7)[0])
      let y = operands.output(as: UInt8.self)
      for index in 0..<loops.count {
        let (row, column) = index.quotientAndRemainder(dividingBy: loops.columns)
        let factor = a[row % a.count] * b[column % b.count] / target
        codec.store(codec.code(Float(scratch.sums[index]) * factor, zero: zero), y, index)
      }
    }
  }
}
