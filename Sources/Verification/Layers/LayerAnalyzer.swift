import AccumulatorBounds
import GraphIR
import TensorCore

/// Finds the dot products of a model and reduces each to exact integer sums.
struct LayerAnalyzer {
  let model: Model
  let analysis: FactAnalysis
  private let places: [NodeID: Int]

  init(model: Model, analysis: FactAnalysis) {
    self.model = model
    self.analysis = analysis
    places = Dictionary(
      uniqueKeysWithValues: analysis.order.enumerated().map { ($0.element, $0.offset) })
  }

  /// Every dot-product node, and every node that may hide one, producers before consumers.
  ///
  /// - Parameter assumption: whether the caller assumes that a node hides no dot product.
  func layers(assuming assumption: (Node) -> Bool) -> [LayerAnalysis] {
    var layers: [LayerAnalysis] = []
    for id in analysis.order {
      let node = model.graph[id]
      let kind = DotProductOperator(node.op)
      if let obstacle = analysis.unknown[id] {
        if kind == nil, assumption(node) { continue }
        var layer = start(node)
        layer.obstacle = obstacle
        layers.append(layer)
      } else if let kind, let layer = analyze(node, kind) {
        layers.append(layer)
      }
    }
    return layers
  }

  private func start(_ node: Node) -> LayerAnalysis {
    let output = node.outputs.lazy.compactMap { $0 }.first.map { model.graph[$0] }
    var layer = LayerAnalysis(name: node.name, op: node.op.type, output: output?.name ?? "")
    layer.finnBits = output.flatMap { Annotations.finnBits($0.annotations) }
    return layer
  }

  private func context(_ node: Node) -> NodeContext {
    NodeContext(
      graph: model.graph, node: node, opset: model.opset(of: node.op.domain) ?? 1,
      facts: analysis.facts)
  }

  /// The analysis of a dot-product node; `nil` for a product of two constants, which is itself a constant.
  private func analyze(_ node: Node, _ kind: DotProductOperator) -> LayerAnalysis? {
    let context = context(node)
    var layer = start(node)
    layer.outputBits = OutputWidth(model: model, analysis: analysis).bits(node)
    do {
      switch (isConstant(context, 0), isConstant(context, kind.rightIndex)) {
      case (true, true): return nil
      case (true, false) where kind.isConvolution:
        // The windows move over a constant image, any of whose elements may meet any weight.
        try analyzeProduct(context, kind, &layer)
      case (false, false): try analyzeProduct(context, kind, &layer)
      case (let isLeft, _):
        try analyzeWeighted(context, kind, weightIsRight: !isLeft, &layer)
      }
    } catch { layer.obstacle = error }
    return layer
  }

  private func isConstant(_ context: NodeContext, _ index: Int) -> Bool {
    if case .constant? = try? context.fact(index) { true } else { false }
  }

  // MARK: A constant and a run-time operand

  private func analyzeWeighted(
    _ context: NodeContext, _ kind: DotProductOperator, weightIsRight: Bool,
    _ layer: inout LayerAnalysis
  ) throws(Obstacle) {
    let index = weightIsRight ? kind.rightIndex : 0
    if case .constant(let constant) = try context.fact(index) {
      // The dot length is reported for unquantized layers too.
      layer.dotLength = try DotProductLayout(
        constant, operator: kind, isRight: weightIsRight, context: context
      ).dotLength
    }
    // Both operands are looked at before either is refused, so that the report says what is known.
    var refusal: Obstacle?
    var grid: IntegerGrid?
    do {
      let other = try Operand(
        context, index: weightIsRight ? 0 : kind.rightIndex,
        kind: weightIsRight ? kind.left : kind.right, isWeight: false, zeroPointAxis: nil)
      if case .runTime(let known) = other { grid = known }
    } catch { refusal = error }
    if let grid { layer.input = InputSummary(grid) }

    guard
      case .constant(let constant) = try Operand(
        context, index: index, kind: weightIsRight ? kind.right : kind.left, isWeight: true,
        zeroPointAxis: try zeroPointAxis(context, kind, index: index, isRight: weightIsRight))
    else { throw .unquantizedWeight(value: try context.name(index)) }
    let layout = try DotProductLayout(
      constant, operator: kind, isRight: weightIsRight, context: context)
    try layout.requireUniformSteps()
    let reader = try WeightReader(layout, node: context.label)
    let sums = reader.sums()
    if let channel = sums.firstIndex(where: { $0.nonFinite > 0 }) {
      throw .nonFiniteWeight(
        value: constant.name, channel: channel, count: sums[channel].nonFinite)
    }
    layer.weight = WeightSummary(reader, sums)
    if let refusal { throw refusal }
    guard let grid, let codes = constant.codes,
      let range = IntegerRange(Int64(grid.minimum), Int64(grid.maximum))
    else { throw .unquantizedInput(value: try context.name(0), origin: .constant) }

    layer.reader = reader
    layer.bias = try BiasReader(
      context: context, kind: kind, analysis: analysis, places: places,
      channels: ChannelSteps(
        scales: reader.channels.map(\.scale), inputScale: grid.scale,
        axisFromEnd: weightIsRight
          ? kind.channelAxisFromEnd(
            layout, isChannelsLast: context.node.op.domain == "qonnx.custom_op.channels_last")
          : rowAxisFromEnd(context, kind),
        axisSize: kind.isConvolution
          ? layout.channelCount : layout.channelAxes.last.map { layout.weight.shape[$0] } ?? 1)
    ).read()
    layer.mayMissTaps = kind.mayMissTaps(context)
    layer.kernel = layout.kernel(isConvolution: kind.isConvolution, context)
    layer.inputCodes = InputCodes(grid, includingZero: layer.mayMissTaps)
    layer.channels = sums.enumerated().map { channel, sums in
      let signs = SignSums(positive: sums.positive, negative: sums.negative)
      return ChannelBounds(
        sums: signs,
        worstCase: WorstCase(of: signs, input: range, bias: layer.biasRange(ofChannel: channel)))
    }
    layer.requiredBits = layer.channels.map(\.requiredBits).max() ?? 1
    layer.dataTypeBits = dataTypeBits(
      layout.dotLength, weightExponent(codes, reader), inputExponent(grid))
  }

  /// The axis of the output that the channels of a left operand number, counted from the last one: the last but one,
  /// or the last one where the right operand is a vector.
  private func rowAxisFromEnd(_ context: NodeContext, _ kind: DotProductOperator) -> Int? {
    if kind == .gemm || kind == .qGemm { return 1 }
    return context.shape(kind.rightIndex).map { $0.count > 1 ? 1 : 0 }
  }

  /// The axis that a one-dimensional zero point of an integer operator follows.
  private func zeroPointAxis(
    _ context: NodeContext, _ kind: DotProductOperator, index: Int, isRight: Bool
  ) throws(Obstacle) -> Int? {
    if kind.isConvolution { return 0 }
    guard case .constant(let constant) = try context.fact(index) else { return nil }
    let rank = constant.shape.count
    if kind == .qGemm {
      let isTransposed = try context.int(isRight ? "transB" : "transA", default: 0) != 0
      return isRight == isTransposed ? 0 : 1
    }
    return isRight ? rank - 1 : max(rank - 2, 0)
  }

  // MARK: Two run-time operands

  /// Analyses a product of two activations, as in attention. It is bounded by its data types, since any pair of
  /// integers may meet.
  private func analyzeProduct(
    _ context: NodeContext, _ kind: DotProductOperator, _ layer: inout LayerAnalysis
  ) throws(Obstacle) {
    layer.dotLength = dotLength(context, kind)
    let left = try grid(context, 0, kind.left)
    let right = try grid(context, kind.rightIndex, kind.right)
    layer.input = InputSummary(left)
    guard let length = layer.dotLength else {
      let index = kind.isConvolution ? kind.rightIndex : 0
      throw .unknownDotLength(
        value: try context.name(index), open: openDimension(context, kind, operand: index))
    }
    let (least, greatest) = (Int128(left.minimum), Int128(left.maximum))
    let products = [Int128(right.minimum), Int128(right.maximum)].flatMap {
      [least * $0, greatest * $0]
    }
    if let least = products.min().flatMap({ Int64(exactly: $0) }),
      let greatest = products.max().flatMap({ Int64(exactly: $0) })
    {
      layer.productRange = IntegerRange(least, greatest)
      layer.mayMissTaps = kind.isConvolution
    }
    // The bound is that of a channel with one weight, 1, and an input K times as wide as one product; it counts 0,
    // too, for products that have not been added yet.
    let low = (products.min() ?? 0).multipliedReportingOverflow(by: Int128(length))
    let high = (products.max() ?? 0).multipliedReportingOverflow(by: Int128(length))
    guard !low.overflow, !high.overflow, let low = Int64(exactly: low.partialValue),
      let high = Int64(exactly: high.partialValue), let range = IntegerRange(low, high)
    else { throw .unknownDotLength(value: try context.name(0), open: nil) }
    let bias = try BiasReader(
      context: context, kind: kind, analysis: analysis, places: places,
      channels: ChannelSteps(
        scales: [right.scale ?? 1], inputScale: left.scale, axisFromEnd: nil, axisSize: 1)
    ).read()
    layer.bias = bias
    layer.requiredBits =
      WorstCase(
        of: SignSums(positive: 1, negative: 0), input: range, bias: layer.biasRange(ofChannel: 0)
      ).requiredBits
    layer.dataTypeBits = dataTypeBits(length, inputExponent(left), inputExponent(right))
  }

  /// The grid of an operand, which for a constant spans its own integers.
  private func grid(
    _ context: NodeContext, _ index: Int, _ kind: DotProductOperator.OperandKind
  ) throws(Obstacle) -> IntegerGrid {
    switch try Operand(context, index: index, kind: kind, isWeight: false, zeroPointAxis: nil) {
    case .runTime(let grid): return grid
    case .constant(let constant):
      let layout = DotProductLayout(
        constant, channelAxes: [], dotAxes: Array(constant.shape.indices))
      try layout.requireUniformSteps()
      let reader = try WeightReader(layout, node: context.label)
      guard reader.sums().allSatisfy({ $0.nonFinite == 0 }) else {
        throw .nonFiniteWeight(value: constant.name, channel: 0, count: 1)
      }
      let integers = reader.integers(ofChannel: 0)
      guard let codes = constant.codes, let step = reader.channels.first?.scale else {
        throw .unquantizedWeight(value: constant.name)
      }
      var grid = IntegerGrid(
        scale: constant.scale == nil ? nil : step, zeroPoint: 0, codes: codes)
      grid.minimum = Int(integers.min() ?? 0)
      grid.maximum = Int(integers.max() ?? 0)
      return grid
    }
  }

  /// The first dimension of an operand that the dot length needs and that doesn't follow, traced to where it first
  /// stands; `nil` where not even the rank does.
  private func openDimension(
    _ context: NodeContext, _ kind: DotProductOperator, operand index: Int
  ) -> OpenDimension? {
    guard let shape = context.shape(index), !shape.isEmpty else { return nil }
    let isTransposed = (try? context.int("transA", default: 0)) ?? 0 != 0
    let needed =
      kind.isConvolution
      ? shape : [isTransposed && shape.count == 2 ? shape[0] : shape[shape.count - 1]]
    for case .named(let name) in needed {
      return OpenDimension(
        value: model.graph[name.value].name, axis: name.axis,
        isInput: model.graph.inputs.contains(name.value))
    }
    return nil
  }

  /// The dot length K, from the shapes that follow from the model's inputs, constants and operators.
  private func dotLength(_ context: NodeContext, _ kind: DotProductOperator) -> Int? {
    let left = context.shape(0)?.map(\.known) ?? []
    let right = context.shape(kind.rightIndex)?.map(\.known) ?? []
    if kind.isConvolution {
      guard right.count > 2 else { return nil }
      var sizes = Array(right.dropFirst())
      if kind == .convTranspose {
        guard let groups = try? context.int("group", default: 1), groups > 0, let inputs = right[0]
        else { return nil }
        sizes = [inputs / groups] + right.dropFirst(2)
      }
      let known = sizes.compactMap { $0 }
      return known.count == sizes.count ? Shape.elementCount(known) : nil
    }
    if kind == .gemm || kind == .qGemm {
      guard let transA = try? context.int("transA", default: 0),
        let transB = try? context.int("transB", default: 0)
      else { return nil }
      if left.count == 2, let size = left[transA == 0 ? 1 : 0] { return size }
      return right.count == 2 ? right[transB == 0 ? 0 : 1] : nil
    }
    if case let size?? = left.last { return size }
    return right.isEmpty ? nil : right[max(right.count - 2, 0)]
  }

  // MARK: Data types

  /// The signed width, in bits, that holds a sum of `length` products of integers with magnitudes of up to 2^a and
  /// 2^b (arXiv 2401.10432, eq. 20).
  private func dataTypeBits(_ length: Int, _ a: Int, _ b: Int) -> Int {
    Int.bitWidth - max(length, 1).leadingZeroBitCount + a + b + 1
  }

  /// The exponent of the least power of two that bounds an input's magnitude.
  private func inputExponent(_ grid: IntegerGrid) -> Int {
    grid.zeroPoint == 0
      ? exponent(bits: grid.bits, signed: grid.signed)
      : exponent(reach: max(abs(grid.typeRange.lowerBound), abs(grid.typeRange.upperBound)))
  }

  private func weightExponent(_ codes: CodeRange, _ reader: WeightReader) -> Int {
    let zeroPoints = reader.channels.map(\.zeroPoint)
    guard let low = zeroPoints.min(), let high = zeroPoints.max(), (low, high) != (0, 0) else {
      return exponent(bits: codes.bits, signed: codes.signed)
    }
    return exponent(reach: max(abs(codes.minimum - high), abs(codes.maximum - low)))
  }

  private func exponent(bits: Int, signed: Bool) -> Int { signed ? bits - 1 : bits }

  private func exponent(reach: Int) -> Int {
    Int.bitWidth - (max(reach, 1) - 1).leadingZeroBitCount
  }
}
