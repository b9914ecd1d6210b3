/// What training minimizes, by the name that `--loss` takes.
public enum LossKind: String, Sendable, Hashable, CaseIterable {
  /// Between the classes' probabilities and the labels.
  case crossEntropy = "cross-entropy"
  /// Mean squared error against the targets.
  case mse
  /// Against the outputs of the float model: of softmax at a temperature for classes, mean squared error
  /// for images and numbers.
  case distill
}
