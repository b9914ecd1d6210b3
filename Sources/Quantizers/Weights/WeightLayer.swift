import AccumulatorBounds
import Synchronization
import TensorCore

/// What a weight quantizer is made for: the shape of one layer's weights, their bit width and what
/// the accumulator of each output channel allows.
///
/// Weights are viewed as C rows of K floats, one row an output channel, row-major.
package struct WeightLayer: Sendable {
  /// C.
  package let channels: Int
  /// K, the length of one dot product.
  package let length: Int
  /// M; signed and narrow: integers lie in -(2^(M-1) - 1) ... 2^(M-1) - 1.
  package let bits: Int
  /// How biases become integers that count in the budgets; `nil` where they stay outside the accumulators.
  package let biasFormat: BiasFormat?
  /// One bias a channel in steps of the input; empty for none.
  package let biases: [Float]
  /// What the integers are limited to besides their width, for registers that take any products.
  private let cap: Int
  private let budgets: [AccumulatorBudget]

  /// A layer whose channels share one budget.
  ///
  /// - Precondition: `channels` and `length` are not negative, `bits` is 2 to 8.
  package init(channels: Int, length: Int, bits: Int, budget: AccumulatorBudget) {
    self.init(channels: channels, length: length, bits: bits, budgets: [budget])
  }

  /// A layer with a budget for each channel.
  ///
  /// - Parameters:
  ///   - biasFormat: of biases inside the accumulators, which take the place of the budgets' own.
  ///   - biases: one a channel in steps of the input, or none.
  ///   - cap: the greatest magnitude of an integer, where that is less than the width allows.
  /// - Precondition: as above, and there is one budget or one a channel.
  package init(
    channels: Int, length: Int, bits: Int, budgets: [AccumulatorBudget],
    biasFormat: BiasFormat? = nil, biases: [Float] = [], cap: Int = .max
  ) {
    precondition(channels >= 0 && length >= 0, "\(channels) channels of \(length) weights")
    precondition((2...8).contains(bits), "\(bits) weight bits")
    precondition(budgets.count == 1 || budgets.count == channels, "\(budgets.count) budgets")
    precondition(biases.isEmpty || biases.count == channels, "\(biases.count) biases")
    self.channels = channels
    self.length = length
    self.bits = bits
    self.budgets = budgets
    self.cap = cap
    self.biasFormat = biasFormat
    self.biases = biases
  }

  /// The number of weights.
  package var count: Int { channels * length }
  /// The greatest integer, 2^(M-1) - 1 or less.
  package var limit: Int { max(min(1 << (bits - 1) - 1, cap), 0) }

  /// What a channel may use besides a bias that the layer quantizes.
  package func budget(_ channel: Int) -> AccumulatorBudget {
    budgets[budgets.count == 1 ? 0 : channel]
  }

  /// The bias of a channel as an integer; 0 where biases stay outside.
  ///
  /// - Parameters:
  ///   - scale: of the channel's weights.
  ///   - current: biases in steps of the input in place of the layer's own; may be empty.
  package func bias(
    _ channel: Int, scale: Float,
    current: UnsafeBufferPointer<Float> = UnsafeBufferPointer(start: nil, count: 0)
  ) -> Int64 {
    if !current.isEmpty { return integer(ofBias: current[channel], channel, scale: scale) }
    return biases.isEmpty ? 0 : integer(ofBias: biases[channel], channel, scale: scale)
  }

  /// A bias in steps of the input as an integer of a channel; 0 where biases stay outside.
  package func integer(ofBias bias: Float, _ channel: Int, scale: Float) -> Int64 {
    biasFormat?.integer(bias, scale: scale, in: budget(channel).biasRegister) ?? 0
  }

  /// The least scale of a channel at which its bias is not cut off; 0 where biases stay outside.
  package func leastScale(_ channel: Int) -> Float {
    guard let biasFormat, !biases.isEmpty else { return 0 }
    return biasFormat.leastScale(biases[channel], in: budget(channel).biasRegister)
  }

  /// What a channel may use beside its bias, an integer that grows as the scale falls.
  ///
  /// - Parameters: as of ``bias(_:scale:current:)``.
  func budget(
    _ channel: Int, scale: Float,
    current: UnsafeBufferPointer<Float> = UnsafeBufferPointer(start: nil, count: 0)
  ) -> AccumulatorBudget {
    let budget = budget(channel)
    if biasFormat == nil { return budget }
    return budget.with(bias: bias(channel, scale: scale, current: current))
  }

  /// One value for each distinct budget: one in all, or one a channel.
  func perBudget<Value>(_ value: (AccumulatorBudget) -> Value) -> PerChannel<Value> {
    PerChannel(values: budgets.map(value))
  }
}

/// A value for each channel, held once where all are the same.
struct PerChannel<Value> {
  let values: [Value]

  subscript(channel: Int) -> Value { values[values.count == 1 ? 0 : channel] }
}

extension PerChannel: Sendable where Value: Sendable {}

extension WeightLayer {
  /// What the channels of a part report.
  private struct Outcome {
    var summary = QuantizationSummary()
    var failure: (channel: Int, error: QuantizerError)?
  }

  /// Calls `body` for every channel, in parallel, and adds up what the calls report.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  /// - Throws: the error of the first channel, by index, that returns one.
  func forEachChannel<each Shared>(
    sharing shared: repeat each Shared,
    do body:
      @Sendable (
        _ channel: Int, _ summary: inout QuantizationSummary, repeat each Shared
      ) -> QuantizerError?
  ) throws(QuantizerError) -> QuantizationSummary {
    let total = Mutex(Outcome())
    Parallelism.forEachRange(
      count: channels, grain: max(1, 32768 / max(length, 1)), sharing: repeat each shared
    ) { (range: Range<Int>, shared: repeat each Shared) in
      var part = Outcome()
      for channel in range {
        if let error = body(channel, &part.summary, repeat each shared) {
          part.failure = (channel, error)
          break
        }
      }
      total.withLock {
        $0.summary.add(part.summary)
        if let failure = part.failure, failure.channel < $0.failure?.channel ?? .max {
          $0.failure = failure
        }
      }
    }
    let outcome = total.withLock { $0 }
    if let failure = outcome.failure { throw failure.error }
    return outcome.summary
  }
}
