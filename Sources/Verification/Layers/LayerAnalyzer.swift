import AccumulatorBounds
import GraphIR
import TensorCore

/// Finds the dot products of a model and reduces each to exact integer sums.
struct LayerAnalyzer {
  let model: Model
  let facts: FactTable

  /// Every dot-product node, and every node that may hide one, producers before consumers.
  ///
  /// - Throws: ``GraphError`` where the graph has a cycle.
  func layers() throws(GraphError) -> [LayerAnalysis] {
    let hasFunctions = !model.preserved.functions.isEmpty
    var layers: [LayerAnalysis] = []
    for id in try model.graph.topologicalOrder() {
      let node = model.graph[id]
      switch DotProductOperator.recognize(node.op, hasFunctions: hasFunctions) {
      case .other: continue
      case .opaque(let obstacle):
        var layer = start(node)
        layer.obstacle = obstacle
        layers.append(layer)
      case .dotProduct(let kind):
        if let layer = analyze(node, kind) { layers.append(layer) }
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

  /// `nil` for a product of two constants, which is a constant itself.
  private func analyze(_ node: Node, _ kind: DotProductOperator) -> LayerAnalysis? {
    let context = NodeContext(
      graph: model.graph, node: node, opset: model.opset(of: node.op.domain) ?? 1, facts: facts)
    var layer = start(node)
    do {
      switch (isConstant(context, 0), isConstant(context, kind.rightIndex)) {
      case (true, true): return nil
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
      // Stated for unquantized layers too.
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
    layer.bias =
      BiasReader(
        context: context, kind: kind, weightIsRight: weightIsRight, weight: reader, input: grid
      ).read()
    layer.channels = sums.enumerated().map { channel, sums in
      let signs = SignSums(positive: sums.positive, negative: sums.negative)
      let bias = layer.bias(ofChannel: channel)
      return ChannelBounds(
        sums: signs, worstCase: WorstCase(of: signs, input: range, bias: bias))
    }
    layer.requiredBits = layer.channels.map(\.requiredBits).max() ?? 1
    layer.dataTypeBits = dataTypeBits(
      layout.dotLength, weightExponent(codes, reader), inputExponent(grid))
  }

  /// The axis that a one-dimensional zero point of an integer operator follows.
  private func zeroPointAxis(
    _ context: NodeContext, _ kind: DotProductOperator, index: Int, isRight: Bool
  ) throws(Obstacle) -> Int? {
    if kind.isConvolution { return 0 }
    guard case .constant(let constant) = try context.fact(index) else { return nil }
    if kind == .qGemm { return try context.int("transB", default: 0) == 0 ? 1 : 0 }
    let rank = constant.shape.count
    return isRight ? rank - 1 : max(rank - 2, 0)
  }

  // MARK: Two run-time operands

  /// A product of two activations, as in attention: bounded by its data types, since any pair of
  /// integers may meet.
  private func analyzeProduct(
    _ context: NodeContext, _ kind: DotProductOperator, _ layer: inout LayerAnalysis
  ) throws(Obstacle) {
    layer.dotLength = dotLength(context, kind)
    guard
      case .runTime(let left) = try Operand(
        context, index: 0, kind: kind.left, isWeight: false, zeroPointAxis: nil),
      case .runTime(let right) = try Operand(
        context, index: kind.rightIndex, kind: kind.right, isWeight: false, zeroPointAxis: nil)
    else { throw .unquantizedInput(value: try context.name(0), origin: .constant) }
    layer.input = InputSummary(left)
    guard let length = layer.dotLength else {
      throw .unknownDotLength(value: try context.name(0))
    }
    let products = [
      left.minimum * right.minimum, left.minimum * right.maximum,
      left.maximum * right.minimum, left.maximum * right.maximum,
    ]
    // A channel of one weight: the sum of K products like one product of a K times wider input.
    let (low, under) = min(products.min() ?? 0, 0).multipliedReportingOverflow(by: length)
    let (high, over) = max(products.max() ?? 0, 0).multipliedReportingOverflow(by: length)
    guard !under, !over, let range = IntegerRange(Int64(low), Int64(high)) else {
      throw .unknownDotLength(value: try context.name(0))
    }
    layer.requiredBits =
      WorstCase(of: SignSums(positive: 1, negative: 0), input: range)
      .requiredBits
    layer.dataTypeBits = dataTypeBits(length, inputExponent(left), inputExponent(right))
  }

  /// K from the shapes that the file states.
  private func dotLength(_ context: NodeContext, _ kind: DotProductOperator) -> Int? {
    func dimensions(_ index: Int) -> [Dimension]? {
      (try? context.id(index)).flatMap { context.graph[$0].type?.dimensions }
    }
    let left = dimensions(0) ?? []
    let right = dimensions(kind.rightIndex) ?? []
    if kind.isConvolution {
      let sizes = right.dropFirst().map(\.size)
      guard kind != .convTranspose, sizes.count > 1, !sizes.contains(nil) else { return nil }
      return Shape.elementCount(sizes.compactMap { $0 })
    }
    if kind == .gemm || kind == .qGemm {
      guard let transA = try? context.int("transA", default: 0),
        let transB = try? context.int("transB", default: 0)
      else { return nil }
      if left.count == 2, let size = left[transA == 0 ? 1 : 0].size { return size }
      return right.count == 2 ? right[transB == 0 ? 0 : 1].size : nil
    }
    if let size = left.last?.size { return size }
    return right.isEmpty ? nil : right[max(right.count - 2, 0)].size
  }

  // MARK: Data types

  /// The width that holds K products of magnitudes up to 2^a and 2^b (arXiv 2401.10432, eq. 20).
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

extension InputSummary {
  init(_ grid: IntegerGrid) {
    bits = grid.bits
    signed = grid.signed
    scale = grid.scale
    zeroPoint = grid.zeroPoint
    integerMinimum = grid.minimum
    integerMaximum = grid.maximum
  }
}

extension WeightSummary {
  init(_ reader: WeightReader, _ sums: [ChannelSums]) {
    let weight = reader.layout.weight
    name = weight.name
    bits = weight.codes?.bits ?? 0
    signed = weight.codes?.signed ?? false
    narrow = weight.isNarrow
    scales = weight.scale == nil ? [] : reader.channels.map(\.scale)
    elementCount = weight.tensor.count
    zeroFraction =
      elementCount == 0
      ? 0 : Double(sums.reduce(0) { $0 + $1.zeros }) / Double(elementCount)
    inexactCount = sums.reduce(0) { $0 + $1.inexact }
  }
}
