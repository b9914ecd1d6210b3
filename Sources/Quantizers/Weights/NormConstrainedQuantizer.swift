import AccumulatorBounds
import CKernels

/// What A2Q and A2Q+ share: an l1-norm constraint in closed form, then rounding toward zero.
///
/// Arithmetic is that of single precision with sums in double. One scale a channel serves as the
/// scale inside the norm and as the step of the integers.
struct NormConstrainedQuantizer: Sendable {
  let layer: WeightLayer
  /// True where the mean of a channel is subtracted first.
  let centred: Bool
  private let bound: NormBound
  /// T of each channel, in integer units, beside no bias that the layer quantizes.
  let bounds: PerChannel<Float>
  /// T of a tile of each channel; not used without tiles.
  private let tileBounds: PerChannel<TiledNormChannel.TileBound>

  init(_ layer: WeightLayer, bound: NormBound, centred: Bool) {
    self.layer = layer
    self.centred = centred
    self.bound = bound
    bounds = layer.perBudget { bound.singlePrecisionLimit($0) }
    // Rounded down, since single precision may hold no limit exactly.
    tileBounds = layer.perBudget {
      TiledNormChannel.TileBound(
        regular: Float(bound.tileLimit($0)).nextDown,
        single: Float(NormBound.a2q.tileLimit($0)).nextDown)
    }
  }

  func initialize(
    _ weights: UnsafeMutableBufferPointer<Float>, _ initialization: WeightInitialization
  ) throws(QuantizerError) -> ChannelParameters {
    // Each channel projects a row of its own.
    nonisolated(unsafe) let weights = weights
    return try layer.parameters(UnsafeBufferPointer(weights)) { channel, norm, parameters in
      let scale = Self.scale(parameters.log2Scale)
      var norm = norm
      if initialization == .projection, let tiling = layer.budget(channel).tiling {
        norm = projectTiles(
          layer.row(channel, of: weights), length: tiling.size,
          radius: scale * tileBounds[channel].regular)
        parameters.log2Norm = min(
          parameters.log2Norm,
          log2(norm > 0 ? max(Float(norm), ScaleLimit.least) : ScaleLimit.ofZeros))
      }
      let radius = scale * limit(channel, scale: scale)
      parameters.log2Norm = min(parameters.log2Norm, log2(radius))
      if initialization == .projection {
        L1Projection.project(layer.row(channel, of: weights), norm: norm, radius: radius)
      }
    }
  }

  /// Projects each tile onto its own ball; returns the l1 norm that the channel is left with.
  private func projectTiles(
    _ row: UnsafeMutableBufferPointer<Float>, length: Int, radius: Float
  ) -> Double {
    for start in stride(from: 0, to: row.count, by: length) {
      L1Projection.project(
        UnsafeMutableBufferPointer(rebasing: row[start..<min(start + length, row.count)]),
        radius: radius)
    }
    return snug_row_absolute(row.baseAddress, row.count, 0).sum
  }

  /// T of a channel beside its bias.
  func limit(
    _ channel: Int, scale: Float,
    current: UnsafeBufferPointer<Float> = UnsafeBufferPointer(start: nil, count: 0)
  ) -> Float {
    layer.biasFormat == nil
      ? bounds[channel]
      : bound.singlePrecisionLimit(layer.budget(channel, scale: scale, current: current))
  }

  /// The parameters of a channel as the formulas use them.
  func channel(_ index: Int, of weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView)
    -> NormChannel
  {
    let scale = Self.scale(parameters.log2Scale[index])
    return NormChannel(
      row: layer.row(index, of: weights), centred: centred, scale: scale,
      norm: exp2(parameters.log2Norm[index]),
      bound: limit(index, scale: scale, current: parameters.biases))
  }

  /// The same of a channel that is summed in tiles; `nil` for one register.
  func tiledChannel(
    _ index: Int, of weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView
  ) -> TiledNormChannel? {
    guard let tiling = layer.budget(index).tiling else { return nil }
    let scale = Self.scale(parameters.log2Scale[index])
    return TiledNormChannel(
      row: layer.row(index, of: weights), length: tiling.size, centred: centred, scale: scale,
      norm: exp2(parameters.log2Norm[index]),
      bound: limit(index, scale: scale, current: parameters.biases),
      tileBound: tileBounds[index])
  }

  func forward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    into output: QuantizedBuffers
  ) throws(QuantizerError) -> QuantizationSummary {
    return try layer.forEachChannel(sharing: weights) { index, summary, weights in
      let budget = layer.budget(
        index, scale: Self.scale(parameters.log2Scale[index]), current: parameters.biases)
      guard budget.isFeasible else { return .infeasibleBudget(channel: index) }
      let row = layer.row(index, of: weights)
      let tiled = tiledChannel(index, of: weights, parameters)
      let channel = tiled?.whole ?? channel(index, of: weights, parameters)
      if !channel.isFinite {
        return row.firstNonFinite.map { .nonFiniteWeight(channel: index, index: $0) }
          ?? .nonFiniteParameter(channel: index)
      }
      let target = RowOutput(index, of: layer, in: output)
      target.setScale(channel.scale)
      if channel.isDegenerate {
        summary.degenerateChannels += 1
        target.clear()
        return nil
      }
      if let tiled {
        target.withCodes(count: row.count) { codes in
          tiled.quantize(limit: layer.limit, codes: codes, values: target.values)
          target.meet(budget, row: row, scale: channel.scale, codes: codes, &summary)
        }
        return nil
      }
      let map = channel.map(limit: layer.limit)
      let sums = snug_row_toward_zero(
        row.baseAddress, row.count, map, target.codes?.baseAddress, target.values?.baseAddress)
      if budget.channel.contains(SignSums(sums)) { return nil }
      target.withCodes(count: row.count) { codes in
        if target.codes == nil {
          _ = snug_row_toward_zero(row.baseAddress, row.count, map, codes.baseAddress, nil)
        }
        target.meet(budget, row: row, scale: channel.scale, codes: codes, &summary)
      }
      return nil
    }
  }

  /// s = 2^d, floored so that a vanishing scale can't divide by zero.
  static func scale(_ log2Scale: Float) -> Float { max(exp2(log2Scale), ScaleLimit.least) }
}

extension NormBound {
  /// T in single precision: rounded to nearest where the accumulator has at most 24 bits, as
  /// published implementations do, and down where it has more, since 2^(P-1) - 1 has no exact form.
  func singlePrecisionLimit(_ budget: AccumulatorBudget) -> Float {
    let exact = limit(budget)
    let nearest = Float(exact)
    let bits = budget.biasRegister.bits
    return bits > 24 && Double(nearest) > exact ? nearest.nextDown : nearest
  }
}

extension SignSums {
  init(_ sums: snug_row_sums) {
    self.init(positive: sums.positive, negative: sums.negative)
  }
}
