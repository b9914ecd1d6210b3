import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The convolution of 8-bit integers less their zero points, in 32 bits (ONNX ConvInteger, opset 10).
///
/// Inputs: X `[N, C, spatial...]`, W `[O, C/group, kernel...]`, optional zero points: one number for X, one or
/// one an output channel for W. Padding has the value of X's zero point.
package struct ConvInteger: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "ConvInteger", since: 10, inputs: 2...4, inputTypes: [IntegerProducts.operand])

  /// The window and the groups.
  package var layer: Conv

  package init(layer: Conv = Conv()) { self.layer = layer }

  package init(attributes: AttributeReader) throws(OperatorError) {
    layer = try Conv(attributes: attributes)
  }

  package func attributes() -> [Attribute] { layer.attributes() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let output = try layer.infer(Array(inputs.prefix(2)))[0]
    return [TensorType(.int32, output?.dimensions)]
  }
}

extension ConvInteger: IntegerProductOperator {
  package var rightOperand: Int { 1 }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try makeKernel(context, sums: nil)
  }

  package func makeKernel(_ context: KernelContext, sums: (any IntegerSums)?) throws(KernelError)
    -> any Kernel
  {
    let (x, w) = (try context.input(0), try context.input(1))
    let (zeroX, zeroW) = (context.optional(2), context.optional(3))
    let (loops, exact) = try layer.integers(
      x: x.shape, weight: w.shape, output: try context.output().shape, context.engine)
    try IntegerProducts.checkChannels([zeroX], [zeroW], channels: w.shape[0])
    let scratch = try IntegerProducts.Scratch(loops.inputCount, loops.weightCount, sums: 0)
    let sums = sums ?? exact
    return ClosureKernel(context) { operands in
      IntegerProducts.centred(
        operands.input(0, as: UInt8.self), isSigned: x.elementType == .int8,
        count: loops.inputCount, zero: IntegerProducts.zeroPoint(operands, zeroX, 2),
        group: 1, into: scratch.first)
      IntegerProducts.centred(
        operands.input(1, as: UInt8.self), isSigned: w.elementType == .int8,
        count: loops.weightCount, zero: IntegerProducts.zeroPoint(operands, zeroW, 3),
        group: max(loops.weightCount / max(w.shape[0], 1), 1), into: scratch.second)
      sums.run(scratch.first, scratch.second, to: operands.output(as: Int32.self))
    }
  }
}
