/// Why weights or activations can't be quantized.
public enum QuantizerError: Error, Sendable, Hashable {
  /// A NaN or an infinity among the weights.
  case nonFiniteWeight(channel: Int, index: Int)
  /// A scale or norm parameter that is NaN, or whose power of two is infinite.
  case nonFiniteParameter(channel: Int)
  /// The bias alone leaves the accumulator, so that no weights fit.
  case infeasibleBudget(channel: Int)
  /// A NaN or an infinity among activations.
  case nonFiniteActivation(index: Int)
  /// A range estimator that has seen no values.
  case noActivations
}

extension QuantizerError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .nonFiniteWeight(let channel, let index):
      "weight \(index) of output channel \(channel) is NaN or infinite"
    case .nonFiniteParameter(let channel):
      "scale or norm of output channel \(channel) is NaN or infinite"
    case .infeasibleBudget(let channel):
      "the bias of output channel \(channel) alone leaves the accumulator"
    case .nonFiniteActivation(let index): "activation \(index) is NaN or infinite"
    case .noActivations: "no activations to estimate a range from"
    }
  }
}
