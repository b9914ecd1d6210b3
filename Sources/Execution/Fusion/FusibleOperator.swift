import GraphIR

/// A rectifier that a plan may compute together with the result of the node before it.
package enum RectifierForm: Sendable, Hashable {
  /// `max(x, 0)`.
  case plain
  /// `x` where it isn't negative, else `slope x`.
  case leaky(slope: Float)
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
/// A sum of two values is told by ``Operator/elementwise``, a normalization by ``Operator/channelNormalization``.
package protocol FusibleOperator: Operator {
  /// The form of a rectifier; `nil` for others.
  var rectifier: RectifierForm? { get }

  /// What its kernel can take along of the nodes behind.
  ///
  /// - Parameter inputs: `nil` for an absent one.
  func absorption(_ inputs: [ConcreteType?]) -> Absorption
}

extension FusibleOperator {
  package var rectifier: RectifierForm? { nil }
  package func absorption(_ inputs: [ConcreteType?]) -> Absorption { [] }
}

extension Operator {
  /// ``FusibleOperator/rectifier``; `nil` for operators that are never joined.
  var rectifier: RectifierForm? { (self as? any FusibleOperator)?.rectifier }
}
