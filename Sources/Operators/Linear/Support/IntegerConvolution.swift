import DNNEngine
import Execution
import GraphIR
import TensorCore

/// A convolution of 8-bit integers with exact sums of 32 bits.
final class IntegerConvolution {
  let inputs: [FormRequest?]
  let output: OutputForm
  private let primitive: Primitive
  private let channels: Int
  private let hasBias: Bool

  /// `nil` where an operand isn't held as integers, or where the CPU has no instruction that adds products
  /// of 8-bit integers without saturation.
  init?(_ layer: ConvolutionLayer, _ context: FormContext) {
    guard !layer.isTransposed, let x = try? context.input(0), let w = try? context.input(1),
      let data = x.integers, let weight = w.integers, data.offsetCount == 0, data.scaleCount == 1,
      data.element == .uint8 || data.element == .int8, weight.element == .int8,
      let output = try? context.kernel.output(),
      let layout = try? ChannelGrid(x.value.shape).channelsLast(), output.shape.count > 2,
      let floats = try? KernelInput(type: output, layout: ChannelGrid(output.shape).channelsLast())
        .descriptor(),
      let source = try? KernelInput(type: x.value.type, layout: layout).descriptor()
    else { return nil }
    channels = output.shape[1]
    hasBias = layer.hasBias
    do {
      let source = try source.with(data.element)
      let destination = try floats.with(.int32)
      let descriptor = try PrimitiveDescriptor.convolution(
        context.engine, source: source, weights: try .any(layer.weight.shape, .int8), bias: nil,
        destination: destination, layer.geometry)
      guard descriptor.addsWithoutSaturation else { return nil }
      let packed = try descriptor.layout(of: .weights)
      let view = try MemoryDescriptor(
        shape: layer.weight.shape, strides: layer.weight.strides, .int8)
      primitive = try Primitive(
        descriptor, [(.source, source), (.weights, packed), (.destination, destination)])
      var requests: [FormRequest?] = [
        .integers(.layout(TensorLayout(source))), .integers(.packed(target: packed, view: view)),
      ]
      if context.inputs.count > 2 { requests.append(.rowMajor) }
      inputs = requests
      self.output = OutputForm(
        integers: IntegerForm(
          layout: destination, element: .int32, scaleCount: channels,
          offsetCount: layer.hasBias ? channels : 0))
    } catch {
      return nil
    }
  }

  /// Operands: integers, scale and offset of data and weight, the bias; integers, scale and offset of the result.
  func run(_ operands: Operands) throws(KernelError) {
    try KernelError.engine { () throws(EngineError) in
      try primitive.point(0, at: operands.inputs[0])
      try primitive.point(1, at: operands.inputs[3])
      try primitive.point(2, at: operands.outputs[0])
      try primitive.run()
    }
    let step = operands.input(1, as: Float.self)[0]
    let weightSteps = operands.input(4, as: Float.self)
    let scale = operands.output(1, as: Float.self)
    for channel in 0..<channels { scale[channel] = step * weightSteps[channel] }
    guard hasBias else { return }
    operands.output(2, as: Float.self).update(
      from: operands.input(6, as: Float.self), count: channels)
  }
}
