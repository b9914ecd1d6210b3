import AccumulatorBounds
import GraphIR
import TensorCore

/// Finds the integers that a layer adds to its sums besides the products, by the rules of docs/certificate.md:
///
/// 1. The bias of QLinearConv and QGemm, an integer tensor in steps of the accumulator by definition.
/// 2. Integer tensors that Add, Sub or Sum adds to the integer result of ConvInteger or MatMulInteger.
/// 3. The bias of Conv, ConvTranspose and Gemm, and what is added to the result of these, of MatMul or of QGemm
///    without an output scale, where it is integers whose step is a whole multiple of the accumulator's in every
///    channel in which it isn't zero.
///
/// Any other summand is added to real numbers, outside the accumulator. Additions are followed through operators that
/// move elements or change the element type.
struct BiasReader {
  let context: NodeContext
  let kind: DotProductOperator
  let analysis: FactAnalysis
  /// The position of each node in the order of execution.
  let places: [NodeID: Int]
  let channels: ChannelSteps

  /// Reads the summands that count; gives `nil` where there are none.
  ///
  /// - Throws: ``Obstacle/unknownBias(value:)`` or ``Obstacle/subtractedSum(node:)`` where it is unknown whether
  ///   integers are added, or where nothing bounds them.
  func read() throws(Obstacle) -> BiasSummary? {
    var sum = BiasSum(channels: channels.count)
    if let index = operandIndex, context.has(index) {
      let id = try context.id(index)
      let isBare = kind == .qLinearConv || kind == .qGemm
      if let summand = try summand(
        id, factor: try operandFactor(), isBare: isBare,
        axisFromEnd: kind.isConvolution ? 0 : channels.axisFromEnd)
      {
        try sum.add(summand)
      }
    }
    if isOpen { try sum.add(try additions()) }
    return sum.summary
  }

  /// Whether the result is the sum itself, to which more can be added, rather than codes to which it was rounded.
  private var isOpen: Bool {
    switch kind {
    case .qLinearConv, .qLinearMatMul: false
    case .qGemm: !context.has(7)
    default: true
    }
  }

  private var operandIndex: Int? {
    switch kind {
    case .conv, .convTranspose, .gemm: 2
    case .qLinearConv: 8
    case .qGemm: 6
    case .matMul, .matMulInteger, .convInteger, .qLinearMatMul: nil
    }
  }

  /// The factor `beta / alpha` of Gemm's bias relative to its products; 1 for other operators.
  private func operandFactor() throws(Obstacle) -> Double {
    guard kind == .gemm else { return 1 }
    return Double(try context.float("beta") ?? 1) / (try resultFactor())
  }

  /// The factor of the sum in the result: `alpha` of Gemm and QGemm, 1 for other operators.
  private func resultFactor() throws(Obstacle) -> Double {
    kind == .gemm || kind == .qGemm ? Double(try context.float("alpha") ?? 1) : 1
  }

  // MARK: Additions after the layer

  /// A value that holds the layer's sum and what has been added to it.
  private struct Reached {
    var sum: BiasSum
    /// Whether the channels may lie elsewhere than in the layer's own output.
    var isMoved = false
    var isNegated = false
    /// Whether some elements hold the sum and others what it was subtracted from, or one holds both.
    var isMixed = false

    /// Covers another value that holds the sum, of which elements may be taken as well.
    mutating func join(_ other: Reached) {
      sum.widen(to: other.sum)
      isMoved = isMoved || other.isMoved
      isMixed = isMixed || other.isMixed || isNegated != other.isNegated
    }
  }

  /// The bounds of what is added on any path from the layer's output.
  private func additions() throws(Obstacle) -> BiasSum {
    let graph = context.graph
    guard case let output?? = context.node.outputs.first else {
      return BiasSum(channels: channels.count)
    }
    var reached = [output: Reached(sum: BiasSum(channels: channels.count))]
    var result = BiasSum(channels: channels.count)
    var pending = Set(graph.consumers(of: output))
    var visits = 0
    while let id = pending.min(by: { places[$0, default: 0] < places[$1, default: 0] }) {
      pending.remove(id)
      visits += 1
      // So long a chain is not a layer's bias, and following it from every layer would take quadratic time.
      guard visits <= Self.longestChain else { throw .unknownBias(value: graph[output].name) }
      let node = graph[id]
      guard let next = try pass(node, reached) else { continue }
      result.widen(to: next.sum)
      // All parts of a Split hold elements of the sum; further outputs of other nodes don't.
      let targets = node.op.type == "Split" ? node.outputs : Array(node.outputs.prefix(1))
      for case let target? in targets {
        reached[target] = next
        pending.formUnion(graph.consumers(of: target))
      }
    }
    return result
  }

  private static let longestChain = 2048

  /// The operators whose outputs are elements of their inputs, or zeros in a border.
  private static let movers: Set = [
    "CenterCropPad", "Compress", "Concat", "DepthToSpace", "Expand", "Flatten", "Gather",
    "GatherElements", "GatherND", "Pad", "Reshape", "Resize", "ReverseSequence", "Scatter",
    "ScatterElements", "ScatterND", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "TopK",
    "Transpose", "Trilu", "Unsqueeze", "Upsample", "Where",
  ]

  /// The layer's sum after one more node; `nil` where the node ends the accumulation.
  private func pass(_ node: Node, _ reached: [ValueID: Reached]) throws(Obstacle) -> Reached? {
    guard OpsetImport.canonical(node.op.domain).isEmpty else { return nil }
    let inputs = node.inputs.compactMap { $0 }
    switch node.op.type {
    case "Identity", "Cast", "Dropout": return inputs.first.flatMap { reached[$0] }
    case "Neg":
      guard var next = inputs.first.flatMap({ reached[$0] }) else { return nil }
      next.isNegated.toggle()
      return next
    case let type where Self.movers.contains(type):
      guard var next = inputs.first(where: { reached[$0] != nil }).flatMap({ reached[$0] }) else {
        return nil
      }
      for input in inputs {
        if let other = reached[input] { next.join(other) }
      }
      next.isMoved = true
      return next
    case "Add", "Sum": return try added(node, inputs, reached)
    case "Sub": return try subtracted(node, inputs, reached)
    default: return nil
    }
  }

  private func added(_ node: Node, _ inputs: [ValueID], _ reached: [ValueID: Reached])
    throws(Obstacle) -> Reached?
  {
    guard let first = inputs.firstIndex(where: { reached[$0] != nil }),
      var next = reached[inputs[first]]
    else { return nil }
    let others = inputs[..<first] + inputs[(first + 1)...]
    for input in others {
      guard let other = reached[input] else { continue }
      // The sum is added to itself: integers are doubled, which nothing here bounds.
      if kind.sumsIntegers { throw .unknownBias(value: context.graph[input].name) }
      next.join(other)
    }
    for input in others where reached[input] == nil {
      try add(input, to: &next, sign: 1, node)
    }
    return next
  }

  private func subtracted(_ node: Node, _ inputs: [ValueID], _ reached: [ValueID: Reached])
    throws(Obstacle) -> Reached?
  {
    guard inputs.count == 2 else { return nil }
    if var next = reached[inputs[0]] {
      if reached[inputs[1]] != nil {
        if kind.sumsIntegers { throw .unknownBias(value: context.graph[inputs[1]].name) }
        next.isMixed = true
        return next
      }
      try add(inputs[1], to: &next, sign: -1, node)
      return next
    }
    guard var next = reached[inputs[1]] else { return nil }
    next.isNegated.toggle()
    try add(inputs[0], to: &next, sign: 1, node)
    return next
  }

  private func add(_ id: ValueID, to next: inout Reached, sign: Double, _ node: Node)
    throws(Obstacle)
  {
    guard
      let summand = try summand(
        id, factor: sign / (try resultFactor()), isBare: false,
        axisFromEnd: next.isMoved ? nil : channels.axisFromEnd)
    else { return }
    if next.isNegated || next.isMixed { throw .subtractedSum(node: node.name) }
    try next.sum.add(summand)
  }

  // MARK: One summand

  /// The integers that a summand adds in each channel, in steps of the accumulator; `nil` where it doesn't count.
  ///
  /// - Parameters:
  ///   - factor: a factor of the summand's step before it is compared with the accumulator's.
  ///   - isBare: whether the integers are in steps of the accumulator by definition.
  ///   - axisFromEnd: the summand's axis that numbers the layer's channels, counted from the last one; `nil` where it
  ///     is not known.
  private func summand(_ id: ValueID, factor: Double, isBare: Bool, axisFromEnd: Int?)
    throws(Obstacle) -> BiasSum?
  {
    let name = context.graph[id].name
    let unit = isBare ? nil : factor
    switch analysis.facts[id] {
    case .real(let obstacle):
      switch obstacle {
      case .unquantizedInput, .unquantizedWeight:
        if isBare || kind.sumsIntegers && !isFloat(id) { throw .unknownBias(value: name) }
        return nil
      default: throw .unknownBias(value: name)
      }
    case .codes(let codes):
      return try BiasElements(step: 1, codes.minimum...codes.maximum, bits: codes.bits, name: name)
        .sum(channels, unit: unit)
    case .grid(let grid):
      return try BiasElements(
        step: Double(grid.scale ?? 1), grid.minimum...grid.maximum, bits: grid.bits, name: name
      ).sum(channels, unit: unit)
    case .constant(let constant):
      guard constant.codes != nil else {
        if isBare { throw .unknownBias(value: name) }
        return nil
      }
      return try BiasElements(
        constant, node: context.label,
        axis: axisFromEnd.map { constant.shape.count - 1 - $0 }, channels: channels
      ).sum(channels, unit: unit)
    }
  }

  private func isFloat(_ id: ValueID) -> Bool {
    analysis.facts.elementType(of: id)?.isFloatingPoint ?? false
  }
}

/// The steps of a layer's accumulators, channel by channel.
struct ChannelSteps {
  /// For each channel the weight's scale times the input's, either of which is 1 where the file gives none.
  let steps: [Double]
  /// The axis of the layer's output that numbers its channels, counted from the last one.
  let axisFromEnd: Int?
  /// The number of channels along that axis, which divides that of all channels where the weight has a batch.
  let axisSize: Int

  init(scales: [Float], inputScale: Float?, axisFromEnd: Int?, axisSize: Int) {
    steps = scales.map { Double($0) * Double(inputScale ?? 1) }
    self.axisFromEnd = axisFromEnd
    self.axisSize = axisSize
  }

  var count: Int { steps.count }
}

extension DotProductOperator {
  /// The axis of the output that the channels of a right operand number, counted from the last one; `nil` where there
  /// is none.
  func channelAxisFromEnd(_ layout: DotProductLayout, isChannelsLast: Bool) -> Int? {
    // The layout of a transposed convolution also has an axis for the groups.
    if self == .convTranspose { return layout.weight.shape.count - 3 }
    if isConvolution { return isChannelsLast ? 0 : layout.weight.shape.count - 2 }
    return layout.channelAxes.isEmpty ? nil : 0
  }
}
