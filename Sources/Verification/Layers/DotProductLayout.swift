import TensorCore

/// Which axes of a weight number the channels, and which the products of one sum.
///
/// The dot length K, the product of the sizes of the dot axes, is the fan-in of one output element. A strided
/// transposed convolution adds only some of its kernel's taps for any one output pixel; K counts them all, which is
/// safe since every partial sum of the K products is bounded.
struct DotProductLayout: Sendable {
  let weight: ConstantTensor
  let channelAxes: [Int]
  let dotAxes: [Int]
  let channelCount: Int
  let dotLength: Int

  init(_ weight: ConstantTensor, channelAxes: [Int], dotAxes: [Int]) {
    self.weight = weight
    self.channelAxes = channelAxes
    self.dotAxes = dotAxes
    // The product of some of the tensor's dimensions can't overflow, since that of all of them doesn't, unless one is
    // zero.
    channelCount = Shape.elementCount(channelAxes.map { weight.shape[$0] }) ?? 0
    dotLength = Shape.elementCount(dotAxes.map { weight.shape[$0] }) ?? 0
  }

  /// Checks that the integers of each sum have the same step.
  ///
  /// - Throws: ``Obstacle/weightScaleWithinSum(value:)`` where they don't.
  func requireUniformSteps() throws(Obstacle) {
    let isUniform =
      isUniform(weight.scale) && isUniform(weight.zeroPoint)
      && isUniform(weight.quantizer?.scale) && isUniform(weight.quantizer?.zeroPoint)
    guard isUniform else { throw .weightScaleWithinSum(value: weight.name) }
  }

  /// Whether a parameter is the same for all products of one sum. Where its shape lets it vary, its values decide:
  /// the scale of a grouped transposed convolution can follow the groups only along the axis of the inputs.
  private func isUniform<Element>(_ parameter: Parameter<Element>?) -> Bool {
    guard let parameter else { return true }
    let varying = dotAxes.filter { weight.shape[$0] > 1 && parameter.strides[$0] != 0 }
    if varying.isEmpty { return true }
    let steps = offsets(varying, strides: parameter.strides)
    return offsets(channelAxes, strides: parameter.strides).allSatisfy { base in
      steps.allSatisfy { parameter.values[base + $0] == parameter.values[base] }
    }
  }

  /// The layout of `weight` as the right or left operand of a node.
  ///
  /// - Throws: ``Obstacle`` where the weight's shape doesn't fit the operator.
  init(
    _ weight: ConstantTensor, operator kind: DotProductOperator, isRight: Bool,
    context: NodeContext
  ) throws(Obstacle) {
    switch kind {
    case .conv, .convInteger, .qLinearConv:
      try Self.check(weight, context, rank: 3..., expected: "(O, I/groups, kernel...)")
      self.init(weight, channelAxes: [0], dotAxes: Array(1..<weight.shape.count))
    case .convTranspose:
      try Self.check(weight, context, rank: 3..., expected: "(I, O/groups, kernel...)")
      let groups = try context.int("group", default: 1)
      let inputs = weight.shape[0]
      guard groups > 0, inputs % groups == 0,
        let split = weight.reshaped([groups, inputs / groups] + weight.shape.dropFirst())
      else {
        throw .shape(
          node: context.label, what: "the weight's shape",
          expected: "a first dimension that \(groups) groups divide", actual: "\(weight.shape)")
      }
      self.init(
        split, channelAxes: [0, 2], dotAxes: [1] + Array(3..<split.shape.count))
    case .gemm, .qGemm:
      try Self.check(weight, context, rank: 2...2, expected: "two dimensions")
      let isTransposed = try context.int(isRight ? "transB" : "transA", default: 0) != 0
      let dot = isRight == isTransposed ? 1 : 0
      self.init(weight, channelAxes: [1 - dot], dotAxes: [dot])
    case .matMul, .matMulInteger, .qLinearMatMul:
      try Self.check(weight, context, rank: 1..., expected: "at least one dimension")
      let rank = weight.shape.count
      let dot = isRight ? max(rank - 2, 0) : rank - 1
      self.init(
        weight, channelAxes: (0..<rank).filter { $0 != dot }, dotAxes: [dot])
    }
  }

  /// How the products of one sum lie in the kernel.
  func kernel(isConvolution: Bool, _ context: NodeContext) -> KernelShape {
    guard isConvolution else {
      return KernelShape(channels: dotLength, positions: 1, channelsAreLast: false)
    }
    let channelsAreLast = context.node.op.domain == "qonnx.custom_op.channels_last"
    let axis = channelsAreLast ? dotAxes.last : dotAxes.first
    let channels = axis.map { weight.shape[$0] } ?? 1
    return KernelShape(
      channels: channels, positions: channels == 0 ? 0 : dotLength / channels,
      channelsAreLast: channelsAreLast)
  }

  private static func check(
    _ weight: ConstantTensor, _ context: NodeContext, rank: some RangeExpression<Int>,
    expected: String
  ) throws(Obstacle) {
    guard rank.contains(weight.shape.count) else {
      throw .shape(
        node: context.label, what: "the weight's shape", expected: expected,
        actual: "\(weight.shape)")
    }
  }
}
