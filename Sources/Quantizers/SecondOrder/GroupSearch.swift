import AccumulatorBounds
import TensorCore

/// The best integers found so far for the channels of one group, and ways to find better ones.
struct GroupSearch {
  struct Best {
    /// Channels x K.
    var integers: [Float]
    /// One a channel.
    var scales: [Float]
  }

  let layer: WeightLayer
  /// The index of the group's first channel in the layer.
  let firstChannel: Int
  let objective: OutputObjective
  let scaleType: ScaleType
  private(set) var best: Best
  /// Of each channel, less the part that no weights could mend.
  private(set) var errors: [Double]
  /// The scales to start from.
  private let startScales: [Float]
  /// H w* of each channel.
  private let products: [Float]

  private var channels: Int { startScales.count }
  private var length: Int { objective.length }
  private var grain: Int { max(1, 8192 / max(length, 1)) }

  init(
    layer: WeightLayer, firstChannel: Int, objective: OutputObjective, start: Best,
    scaleType: ScaleType
  ) {
    self.layer = layer
    self.firstChannel = firstChannel
    self.objective = objective
    self.scaleType = scaleType
    best = start
    startScales = start.scales
    errors = Array(repeating: .infinity, count: start.scales.count)
    products = objective.timesHessian(objective.targets)
  }

  /// Takes the start in, with the scale that fits its integers best.
  mutating func fitStart() { consider(best.integers, scales: best.scales) }

  /// Projects w* exactly at a multiple of the scales to start from.
  mutating func project(factor: Float) {
    let scales = startScales.map { $0 * factor }
    consider(projected(scales), scales: scales)
  }

  private func projected(_ scales: [Float]) -> [Float] {
    var integers = [Float](repeating: 0, count: channels * length)
    forEachRow(&integers) { channel, row in
      let scale = scales[channel]
      guard scale.isNormal else { return }
      objective.targets.withUnsafeBufferPointer { targets in
        let target = UnsafeBufferPointer(
          rebasing: targets[channel * row.count..<(channel + 1) * row.count])
        withUnsafeTemporaryAllocation(of: Int8.self, capacity: row.count) { codes in
          codes.initialize(repeating: 0)
          ExactProjection(
            budget: layer.budget(firstChannel + channel, scale: scale), limit: layer.limit
          )
          .project(target, scale: scale, into: codes)
          for index in row.indices { row[index] = Float(codes[index]) }
        }
      }
    }
    return integers
  }

  /// Rounds greedily at the given scales alone, whatever the error.
  mutating func round(_ feedback: OutputObjective.Feedback) {
    let scales = best.scales.map { $0.isNormal ? $0 : 1 }
    best.integers = rounding(feedback).round(scales: scales)
  }

  /// Rounds greedily at multiples of the best scales so far.
  mutating func round(_ feedback: OutputObjective.Feedback, factors: [Float]) {
    let rounding = rounding(feedback)
    let middle = best.scales
    for factor in factors {
      let scales = middle.map { $0.isNormal ? $0 * factor : 1 }
      consider(rounding.round(scales: scales), scales: scales)
    }
  }

  private func rounding(_ feedback: OutputObjective.Feedback) -> FeedbackRounding {
    let (reference, base) = objective.start(feedback)
    return FeedbackRounding(
      layer: layer, firstChannel: firstChannel, order: objective.order,
      matrix: objective.feedbackMatrix(feedback), reference: reference, base: base)
  }

  /// Moves single units and pairs at the best scales.
  mutating func descend() { consider(descended(), scales: best.scales) }

  private func descended() -> [Float] {
    var integers = best.integers
    let images = objective.timesHessian(integers)
    let scales = best.scales
    forEachRow(&integers) { channel, row in
      let scale = scales[channel]
      guard scale.isNormal else { return }
      let first = channel * row.count
      withUnsafeTemporaryAllocation(of: Float.self, capacity: row.count) { gradient in
        for index in row.indices {
          gradient[index] = scale * images[first + index] - products[first + index]
        }
        objective.hessian.withUnsafeBufferPointer { hessian in
          let descent = IntegerDescent(
            use: BudgetUse(
              layer.budget(firstChannel + channel, scale: scale), length: row.count),
            limit: layer.limit, scale: scale, hessian: hessian, stepLimit: 2 * row.count + 16)
          descent.run(row, gradient: gradient)
        }
      }
    }
    return integers
  }

  /// Keeps integers for the channels where they are better, each with the scale that fits them best.
  mutating func consider(_ integers: [Float], scales: [Float]) {
    let images = objective.timesHessian(integers)
    let k = length
    for channel in 0..<channels {
      let row = channel * k..<(channel + 1) * k
      var (square, product) = (0.0, 0.0)
      for index in row {
        square += Double(integers[index]) * Double(images[index])
        product += Double(images[index]) * Double(objective.targets[index])
      }
      let fitted = square > 0 ? Float(product / square) : 0
      var scale =
        fitted.isNormal && fitted > 0 ? scaleType.nearest(to: fitted) : scales[channel]
      // Another scale is another integer for the bias, which it may cut off, or beside which the weights no
      // longer fit.
      if scale < layer.leastScale(firstChannel + channel)
        || !fits(integers[row], channel, scale: scale)
      {
        scale = scales[channel]
      }
      var error = 0.0
      for index in row {
        let difference = Double(scale) * Double(integers[index]) - Double(objective.targets[index])
        error += difference * (Double(scale) * Double(images[index]) - Double(products[index]))
      }
      // Only what the search starts from may cut a bias off.
      guard error < errors[channel],
        errors[channel] == .infinity || scale >= layer.leastScale(firstChannel + channel)
      else { continue }
      errors[channel] = error
      best.scales[channel] = scale
      best.integers.replaceSubrange(row, with: integers[row])
    }
  }

  private func fits(_ integers: ArraySlice<Float>, _ channel: Int, scale: Float) -> Bool {
    if layer.biasFormat == nil { return true }
    return layer.budget(firstChannel + channel, scale: scale).check(integers.map { Int8($0) })
  }

  /// Calls `body` for each channel's row, in parallel.
  private func forEachRow(
    _ rows: inout [Float],
    _ body: @Sendable (_ channel: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    let k = length
    rows.withUnsafeMutableBufferPointer { rows in
      Parallelism.forEachRange(count: channels, grain: grain, sharing: rows) { range, rows in
        for channel in range {
          body(
            channel,
            UnsafeMutableBufferPointer(rebasing: rows[channel * k..<(channel + 1) * k]))
        }
      }
    }
  }
}
