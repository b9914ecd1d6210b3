import GraphIR

/// What a plan may compute together with the result of the node before it.
package enum FollowingStep: Sendable, Hashable {
  /// Inputs 1 to 4 are scale, B, mean and variance of each channel.
  case normalization(ChannelNormalization)
  /// `max(x, 0)`.
  case rectifier
  /// `x` where it isn't negative, else `slope x`.
  case leakyRectifier(slope: Float)
}

/// Which nodes behind an operator its kernel can take along: what its epilogue, its bias and its weights can hold.
package struct Absorption: OptionSet, Sendable, Hashable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  /// A normalization, which is folded into the weight (input 1, by dimension 0) and the bias (input 2).
  package static let normalization = Absorption(rawValue: 1)
  /// A sum with one constant a column, as input 2.
  package static let columnBias = Absorption(rawValue: 2)
  /// ``Epilogue/addsResidual``.
  package static let residual = Absorption(rawValue: 4)
  /// ``Epilogue/reluSlope``.
  package static let rectifier = Absorption(rawValue: 8)
}

/// An operator that plans may join with others into one pass over memory.
///
/// A sum of two values is told by ``Operator/elementwise``.
package protocol FusibleOperator: Operator {
  /// What it is to the node before; `nil` where no kernel takes it along.
  var followingStep: FollowingStep? { get }

  /// What its kernel can take along of the nodes behind.
  ///
  /// - Parameter inputs: `nil` for an absent one.
  func absorption(_ inputs: [ConcreteType?]) -> Absorption
}

extension FusibleOperator {
  package var followingStep: FollowingStep? { nil }
  package func absorption(_ inputs: [ConcreteType?]) -> Absorption { [] }
}

extension Operator {
  /// ``FusibleOperator/followingStep``; `nil` for operators that are never joined.
  var followingStep: FollowingStep? { (self as? any FusibleOperator)?.followingStep }
}

/// Batch normalization over dimension 1.
package struct ChannelNormalization: Sendable, Hashable {
  package var epsilon: Float
  /// The share of the old running statistics that stays at each step of a training.
  package var momentum: Float

  package init(epsilon: Float, momentum: Float) {
    self.epsilon = epsilon
    self.momentum = momentum
  }
}
