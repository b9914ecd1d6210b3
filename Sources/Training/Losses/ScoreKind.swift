/// What a classifier's output holds.
public enum ScoreKind: Sendable, Hashable {
  /// Arbitrary numbers, of which softmax makes probabilities.
  case logits
  /// Probabilities: the model ends in softmax.
  case probabilities
}
