import GraphIR
import TensorCore

/// A constant of a graph that training reads and changes.
package struct TrainableParameter: Sendable {
  package enum Kind: Sendable, Hashable {
    /// The weight of a layer, in the layout of the layer.
    case weight
    /// d = log2 of a weight quantizer's scale, one a channel.
    case log2Scale
    /// t = log2 of the norm of a channel's weights.
    case log2Norm
    /// p = log2 of an activation quantizer's clipping statistic; a scalar.
    case log2Statistic
    /// A constant that a layer or an Add adds to each channel.
    case bias
    /// Factor and summand of a normalisation.
    case normalization
    /// Running mean or variance of a normalisation: kept by it, without a gradient.
    case statistic

    /// Whether weight decay applies.
    package var decays: Bool { self == .weight }
    package var hasGradient: Bool { self != .statistic }
  }

  package var value: ValueID
  package var name: String
  package var kind: Kind
  /// What it starts from; float32.
  package var initial: Tensor
}
