/// What a classifier's output holds.
public enum ScoreKind: Sendable, Hashable {
  /// Anything; softmax makes probabilities of it.
  case logits
  /// Probabilities: the model ends in softmax.
  case probabilities
}
