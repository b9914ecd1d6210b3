import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The convolution of 8-bit tensors, quantized to 8 bits (ONNX QLinearConv, opset 10).
///
/// `y = saturate(round((sum + B) * x_scale * w_scale / y_scale) + y_zero_point)`, with the exact sum of products
/// of integers less their zero points. Inputs: X, its scale and zero point, W, its scale and zero point, those
/// of Y, optional int32 B `[O]`. W's parameters are one number, or one an output channel.
package struct QLinearConv: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "QLinearConv", since: 10, inputs: 8...9,
    inputTypes: [
      IntegerProducts.operand, [.float32], IntegerProducts.operand, IntegerProducts.operand,
      [.float32], IntegerProducts.operand, [.float32], IntegerProducts.operand, [.int32],
    ])

  /// The window and the groups.
  package var layer: Conv

  package init(layer: Conv = Conv()) { self.layer = layer }

  package init(attributes: AttributeReader) throws(OperatorError) {
    layer = try Conv(attributes: attributes)
  }

  package func attributes() -> [Attribute] { layer.attributes() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let output = try layer.infer([inputs[0], inputs[3]])[0]
    try inputs.requireVector(8, "B", count: inputs.dimensions(3)?.first)
    guard let type = inputs.type(7)?.elementType else { return [nil] }
    return [TensorType(type, output?.dimensions)]
  }
}

extension QLinearConv: IntegerProductOperator {
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
    let output = try context.output()
    let (loops, exact) = try layer.integers(
      x: inputs[0].shape, weight: inputs[3].shape, output: output.shape, context.engine)
    let channels = inputs[3].shape[0]
    try IntegerProducts.checkChannels(
      [inputs[1], inputs[2], inputs[6], inputs[7]], [inputs[4], inputs[5]], channels: channels)
    guard let codec = IntegerCodec(output.elementType) else {
      throw .operator(.unsupported(what: "QLinearConv to \(output.elementType.onnxName)"))
    }
    let hasBias = context.optional(8) != nil
    let scratch = try IntegerProducts.Scratch(
      loops.inputCount, loops.weightCount, sums: output.count)
    let sums = sums ?? exact
    return ClosureKernel(context) { operands in
      IntegerProducts.centred(
        operands.input(0, as: UInt8.self), isSigned: inputs[0].elementType == .int8,
        count: loops.inputCount, zero: IntegerProducts.zeroPoint(operands, inputs[2], 2),
        group: 1, into: scratch.first)
      IntegerProducts.centred(
        operands.input(3, as: UInt8.self), isSigned: inputs[3].elementType == .int8,
        count: loops.weightCount, zero: IntegerProducts.zeroPoint(operands, inputs[5], 5),
        group: max(loops.weightCount / max(channels, 1), 1), into: scratch.second)
      sums.run(scratch.first, scratch.second, to: scratch.sums)
      let source = operands.input(1, as: Float.self)[0]
      let weight = IntegerProducts.scales(operands, inputs[4], 4)
      let target = operands.input(6, as: Float.self)[0]
      let zero = Int(IntegerProducts.zeroPoint(operands, inputs[7], 7)[0])
      let y = operands.output(as: UInt8.self)
      for plane in 0..<loops.planes {
        let channel = plane % channels
        let factor = source * weight[channel % weight.count] / target
        let bias = hasBias ? operands.input(8, as: Int32.self)[channel] : 0
        for index in plane * loops.planeCount..<(plane + 1) * loops.planeCount {
          let sum = Float(scratch.sums[index] &+ bias)
          codec.store(codec.code(sum * factor, zero: zero), y, index)
        }
      }
    }
  }
}
