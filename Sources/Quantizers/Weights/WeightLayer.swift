import AccumulatorBounds
import Synchronization
import TensorCore

/// What a weight quantizer is made for: the shape of one layer's weights, their bit width and what
/// the accumulator of each output channel allows.
///
/// Weights are viewed as C rows of K floats, one row an output channel, row-major.
public struct WeightLayer: Sendable {
  /// C.
  public let channels: Int
  /// K, the length of one dot product.
  public let length: Int
  /// M; signed and narrow: integers lie in -(2^(M-1) - 1) ... 2^(M-1) - 1.
  public let bits: Int
  private let budgets: [AccumulatorBudget]

  /// A layer whose channels share one budget.
  ///
  /// - Precondition: `channels` and `length` are not negative, `bits` is 2 to 8.
  public init(channels: Int, length: Int, bits: Int, budget: AccumulatorBudget) {
    self.init(channels: channels, length: length, bits: bits, budgets: [budget])
  }

  /// A layer with a budget for each channel, as biases inside the bound need.
  ///
  /// - Precondition: as above, and there is one budget or one a channel.
  public init(channels: Int, length: Int, bits: Int, budgets: [AccumulatorBudget]) {
    precondition(channels >= 0 && length >= 0, "\(channels) channels of \(length) weights")
    precondition((2...8).contains(bits), "\(bits) weight bits")
    precondition(budgets.count == 1 || budgets.count == channels, "\(budgets.count) budgets")
    self.channels = channels
    self.length = length
    self.bits = bits
    self.budgets = budgets
  }

  /// The number of weights.
  public var count: Int { channels * length }
  /// The greatest integer, 2^(M-1) - 1.
  public var limit: Int { 1 << (bits - 1) - 1 }

  public func budget(_ channel: Int) -> AccumulatorBudget {
    budgets[budgets.count == 1 ? 0 : channel]
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
  /// Calls `body` for every channel, in parallel, and adds up what the calls report.
  ///
  /// - Throws: the error of the first channel, by index, that returns one.
  func forEachChannel(
    _ body: @Sendable (_ channel: Int, _ summary: inout QuantizationSummary) -> QuantizerError?
  ) throws(QuantizerError) -> QuantizationSummary {
    struct Outcome {
      var summary = QuantizationSummary()
      var failure: (channel: Int, error: QuantizerError)?
    }
    let total = Mutex(Outcome())
    Parallelism.forEachRange(count: channels, grain: max(1, 32768 / max(length, 1))) { range in
      var part = Outcome()
      for channel in range {
        if let error = body(channel, &part.summary) {
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
