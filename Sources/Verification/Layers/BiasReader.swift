import GraphIR

/// Finds the integers that a layer adds to its sums besides the products.
///
/// 1. Conv, ConvTranspose and Gemm: their bias, where it is a constant behind a quantizer.
/// 2. QLinearConv and QGemm: their bias, an integer tensor in steps of the accumulator by definition.
/// 3. MatMul: the constant of an Add that alone reads it, where that is behind a quantizer.
/// 4. ConvInteger and MatMulInteger: the integer tensor of such an Add.
///
/// Cases 1 and 3 count only where a step of the constant is one of the accumulator, weight scale x input scale,
/// in every channel, up to the rounding of single precision. Any other bias is added to real numbers, outside.
struct BiasReader {
  let context: NodeContext
  let kind: DotProductOperator
  let weightIsRight: Bool
  let weight: WeightReader
  let input: IntegerGrid

  /// `nil` where no constant of integers on the accumulator's scale is added.
  func read() -> BiasSummary? {
    guard let site = site(), case .constant(let constant)? = try? site.context.fact(site.index),
      let codes = constant.codes, hasStep(constant) || isInteger(constant)
    else { return nil }
    let channels = weight.channels.count
    guard constant.tensor.count == 1 || followsChannels(constant.shape, channels) else {
      return nil
    }
    let layout = DotProductLayout(
      constant, channelAxes: Array(constant.shape.indices), dotAxes: [])
    guard let reader = try? WeightReader(layout, node: context.label), !reader.channels.isEmpty,
      isInteger(constant) || isOnScale(reader.channels.map(\.scale)),
      reader.sums().allSatisfy({ $0.nonFinite == 0 })
    else { return nil }
    let values = (0..<layout.channelCount).flatMap { reader.integers(ofChannel: $0) }
    return BiasSummary(
      name: constant.name, bits: codes.bits,
      values: values.count == channels ? values : Array(repeating: values[0], count: channels))
  }

  /// The node that adds the constant, and the position of the constant.
  private func site() -> (context: NodeContext, index: Int)? {
    switch kind {
    case .conv, .convTranspose, .gemm: return context.has(2) ? (context, 2) : nil
    case .qLinearConv: return context.has(8) ? (context, 8) : nil
    case .qGemm: return context.has(6) ? (context, 6) : nil
    case .qLinearMatMul: return nil
    case .matMul, .convInteger, .matMulInteger:
      let graph = context.graph
      guard case let output?? = context.node.outputs.first, !graph.isOutput(output),
        graph.consumers(of: output).count == 1,
        let add = graph.consumers(of: output).first.map({ graph[$0] }), add.op.type == "Add",
        OpsetImport.canonical(add.op.domain).isEmpty, add.inputs.count == 2,
        let index = add.inputs.firstIndex(where: { $0 != output })
      else { return nil }
      return (context.of(add), index)
    }
  }

  private func hasStep(_ constant: ConstantTensor) -> Bool {
    switch kind {
    case .conv, .convTranspose, .gemm, .matMul: constant.scale != nil
    default: false
    }
  }

  private func isInteger(_ constant: ConstantTensor) -> Bool {
    switch kind {
    case .convInteger, .matMulInteger, .qLinearConv, .qGemm:
      constant.scale == nil && constant.quantizer == nil && constant.zeroPoint == nil
    default: false
    }
  }

  /// Whether the one dimension that isn't 1 is that of the output's channels.
  private func followsChannels(_ shape: [Int], _ channels: Int) -> Bool {
    guard shape.count(where: { $0 != 1 }) <= 1,
      let axis = shape.firstIndex(where: { $0 != 1 }) ?? shape.indices.last, shape[axis] == channels
    else { return false }
    let behind = shape.count - 1 - axis
    switch kind {
    case .conv, .convTranspose, .qLinearConv: return behind == 0
    // Added to the output itself, whose rank is that of the weight.
    case .convInteger: return behind == weight.layout.weight.shape.count - 2
    case .gemm, .qGemm, .matMul, .matMulInteger, .qLinearMatMul:
      return behind == (weightIsRight ? 0 : 1)
    }
  }

  private func isOnScale(_ steps: [Float]) -> Bool {
    guard let inputScale = input.scale else { return false }
    var factor = 1.0
    if kind == .gemm {
      guard let alpha = try? context.float("alpha") ?? 1,
        let beta = try? context.float("beta") ?? 1,
        beta != 0
      else { return false }
      factor = Double(alpha) / Double(beta)
    }
    return weight.channels.indices.allSatisfy { channel in
      let step = Double(steps[steps.count == 1 ? 0 : channel])
      let wanted = Double(weight.channels[channel].scale) * Double(inputScale) * factor
      return abs(step - wanted) <= abs(wanted) * Self.tolerance
    }
  }

  /// A few roundings of single precision: what is wrong by it over 23 bits of bias is half a step.
  private static let tolerance = 0x1p-22
}
