/// What a classifier's output holds.
package enum ScoreKind: Sendable, Hashable {
  /// Arbitrary numbers, of which softmax makes probabilities.
  case logits
  /// Probabilities: the model ends in softmax.
  case probabilities
}
