import CKernels
import TensorCore

/// Updates a flat buffer of parameters by their gradients, and keeps the moments that this takes.
///
/// A step allocates no buffer, runs in parallel, and gives the same bits for any number of threads, since each
/// element is computed alone.
package final class Optimizer {
  package let settings: OptimizerSettings
  /// The segments of the flat buffer, which decide where weight decay applies.
  package let segments: [ParameterSegment]
  /// The number of elements of the flat buffer.
  package let count: Int
  /// The number of steps taken, on which the corrections for zero-initialized moments depend. Restored together with
  /// ``state``.
  package var stepCount = 0

  /// The momentum of SGD, or Adam's mean of gradients.
  private let first: ScratchBuffer<Float>
  /// Adam's mean of squared gradients.
  private let second: ScratchBuffer<Float>?

  /// The number of elements worth a thread of its own.
  private static let grain = 1 << 15

  /// - Parameter segments: the segments of the flat buffer, in order and without gaps.
  /// - Throws: ``OptimizerError`` for a setting outside its range.
  package init(_ settings: OptimizerSettings, segments: [ParameterSegment]) throws(OptimizerError) {
    try settings.validate()
    let count = segments.last?.range.upperBound ?? 0
    precondition(segments.cover(count), "segments leave gaps")
    self.settings = settings
    self.segments = segments
    self.count = count
    first = ScratchBuffer(count: count, repeating: 0)
    second = settings.kind == .sgd ? nil : ScratchBuffer<Float>(count: count, repeating: 0)
  }

  /// The moments, for checkpoints; valid while the optimizer lives.
  package var state: [NamedArray] {
    switch settings.kind {
    case .sgd: [NamedArray("optimizer.momentum", first.elements)]
    case .adam, .adamw:
      [NamedArray("optimizer.first", first.elements)]
        + (second.map { [NamedArray("optimizer.second", $0.elements)] } ?? [])
    }
  }

  /// Moves the parameters one step against their gradients.
  ///
  /// - Parameters:
  ///   - parameters: ``count`` elements, updated in place.
  ///   - gradients: ``count`` finite elements.
  ///   - learningRate: the learning rate of this step.
  package func step(
    parameters: UnsafeMutableBufferPointer<Float>, gradients: UnsafeBufferPointer<Float>,
    learningRate: Double
  ) {
    precondition(parameters.count == count, "\(parameters.count) parameters for \(count)")
    precondition(gradients.count == count, "\(gradients.count) gradients for \(count)")
    stepCount += 1
    guard let weights = parameters.baseAddress, let gradients = gradients.baseAddress else {
      return
    }
    let first = first.pointer
    switch settings.kind {
    case .sgd:
      let (decaying, plain) = (momentumStep(learningRate, decays: true), momentumStep(learningRate))
      forEachPart(sharing: weights, gradients, first) { range, decays, weights, gradients, first in
        let at = range.lowerBound
        snug_sgd_step(
          weights + at, gradients + at, first + at, range.count, decays ? decaying : plain)
      }
    case .adam, .adamw:
      guard let second = second?.pointer else { return }
      let (decaying, plain) = (adamStep(learningRate, decays: true), adamStep(learningRate))
      forEachPart(sharing: weights, gradients, first, second) {
        range, decays, weights, gradients, first, second in
        let at = range.lowerBound
        snug_adam_step(
          weights + at, gradients + at, first + at, second + at, range.count,
          decays ? decaying : plain)
      }
    }
  }

  private func momentumStep(_ rate: Double, decays: Bool = false) -> snug_sgd {
    snug_sgd(
      rate: Float(rate), momentum: Float(settings.momentum),
      decay: decays ? Float(settings.weightDecay) : 0)
  }

  /// The constants of a step, computed in double precision and rounded once, as in PyTorch.
  private func adamStep(_ rate: Double, decays: Bool = false) -> snug_adam {
    let decay = decays ? settings.weightDecay : 0
    let decoupled = settings.kind == .adamw
    let steps = Double(stepCount)
    return snug_adam(
      rate: Float(rate / (1 - pow(settings.firstBeta, steps))),
      shrink: decoupled ? Float(1 - rate * decay) : 1,
      decay: decoupled ? 0 : Float(decay),
      first_share: Float(1 - settings.firstBeta),
      second_kept: Float(settings.secondBeta),
      second_share: Float(1 - settings.secondBeta),
      root: Float((1 - pow(settings.secondBeta, steps)).squareRoot()),
      epsilon: Float(settings.epsilon))
  }

  /// Calls `body`, in parallel, for ranges that cover all elements and cross no border between segments.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  private func forEachPart<each Shared>(
    sharing shared: repeat each Shared,
    do body: @Sendable (Range<Int>, _ decays: Bool, repeat each Shared) -> Void
  ) {
    let segments = segments
    Parallelism.forEachRange(count: count, grain: Self.grain, sharing: repeat each shared) {
      (range: Range<Int>, shared: repeat each Shared) in
      for segment in segments {
        let part = segment.range.clamped(to: range)
        if !part.isEmpty { body(part, segment.decays, repeat each shared) }
      }
    }
  }
}
