/// The loss that training minimizes, by the name that `--loss` takes.
public enum LossKind: String, Sendable, Hashable, CaseIterable {
  /// Cross-entropy between the classes' probabilities and the labels.
  case crossEntropy = "cross-entropy"
  /// Mean squared error against the targets.
  case mse
  /// Distance to the outputs of the float model: between softmax at a temperature for classes, mean squared error for
  /// images and numbers.
  case distill
}
