/// An update rule, by the name that `--optimizer` takes.
public enum OptimizerKind: String, Sendable, Hashable, CaseIterable {
  /// Stochastic gradient descent with momentum (Sutskever et al. 2013, in the form of torch.optim.SGD),
  /// weight decay added to the gradient.
  case sgd
  /// Adam (Kingma and Ba 2015, algorithm 1), weight decay added to the gradient.
  case adam
  /// Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).
  case adamw
}
