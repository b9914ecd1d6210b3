/// Which way an operator goes between real numbers x and integer codes q, by scale s and zero point z:
///
///     q = saturate(round(x / s) + z)        x = (q - z) * s
///
/// The inputs are what is converted, s, and z, which may be absent.
package struct LinearQuantizationForm: Sendable, Hashable {
  package enum Direction: Sendable, Hashable {
    case toCodes
    case toReals
  }

  package let direction: Direction
  /// The axis that scales and zero points follow where there are several; from the end where negative.
  package let axis: Int
  /// The number of neighbouring elements along the axis that share a scale; 0 for one scale an index.
  package let blockSize: Int

  package init(_ direction: Direction, axis: Int, blockSize: Int) {
    self.direction = direction
    self.axis = axis
    self.blockSize = blockSize
  }
}

/// What an operator does that normalises each channel, axis 1 of its first input, by statistics that it is given:
///
///     y = factor * (x - mean) / sqrt(variance + epsilon) + shift
package struct ChannelNormalizationForm: Sendable, Hashable {
  package let epsilon: Float
  /// The share of the old running statistics that stays at each step of a training.
  package let momentum: Float

  package init(epsilon: Float, momentum: Float) {
    self.epsilon = epsilon
    self.momentum = momentum
  }

  /// The positions of the inputs, each with one number a channel.
  package static let factor = 1
  package static let shift = 2
  package static let mean = 3
  package static let variance = 4
}

/// What an operator makes of the spatial positions of each channel, axes 2 and up of its first input.
package struct PoolingForm: Sendable, Hashable {
  package enum Statistic: Sendable, Hashable {
    case average
    case maximum
    case norm
  }

  package let statistic: Statistic
  /// Whether one number is made of all positions; else one of each window that slides over them.
  package let coversImage: Bool

  package init(_ statistic: Statistic, coversImage: Bool) {
    self.statistic = statistic
    self.coversImage = coversImage
  }
}

extension Operator {
  /// Whether it makes integer codes of real numbers.
  package var makesCodes: Bool { linearQuantization?.direction == .toCodes }

  /// Whether it makes real numbers of integer codes.
  package var readsCodes: Bool { linearQuantization?.direction == .toReals }
}
