/// Which elements of an operator's inputs reappear in its outputs, for one that computes nothing.
package struct ElementMovement: Sendable, Hashable {
  /// How the outputs' elements are taken from the inputs'.
  package enum Arrangement: Sendable, Hashable {
    /// All of them, in the same row-major order.
    case kept
    /// Each of them, by another order of the axes.
    case transposed
    /// Each of them, in another order.
    case permuted
    /// Some of them, of which some may come repeatedly.
    case selected
  }

  package var arrangement: Arrangement
  /// Whether all inputs are moved, as by a concatenation; else the first alone, and others say how.
  package var movesAllInputs = false
  /// Whether all outputs hold moved elements; else the first alone, and others are masks or positions.
  package var reachesAllOutputs = false

  package init(
    _ arrangement: Arrangement, movesAllInputs: Bool = false, reachesAllOutputs: Bool = false
  ) {
    self.arrangement = arrangement
    self.movesAllInputs = movesAllInputs
    self.reachesAllOutputs = reachesAllOutputs
  }
}

/// How the output elements of an operator depend on those of its inputs at the same place.
package enum ElementwiseForm: Sendable, Hashable {
  /// On one element of the first input; further inputs hold one element each, and are parameters.
  case unary
  /// On one element of the first input; further inputs are parameters that are broadcast against it.
  case parametrized
  /// On one element of each of two inputs, which are broadcast.
  case binary
  /// ``binary``, whose result is the sum.
  case sum
}

/// The values that an operator can give, whatever its first input.
package struct OutputRange: Sendable, Hashable {
  package var minimum: Float
  package var maximum: Float
  /// Whether values inside the range pass unchanged, as by a rectifier.
  package var isClip: Bool

  package init(minimum: Float = -.infinity, maximum: Float = .infinity, isClip: Bool = false) {
    self.minimum = minimum
    self.maximum = maximum
    self.isClip = isClip
  }

  /// That of a rectifier, max(x, 0).
  package static let nonNegative = OutputRange(minimum: 0, isClip: true)

  package var isBounded: Bool { minimum.isFinite && maximum.isFinite }
  /// The largest magnitude.
  package var magnitude: Float { max(abs(minimum), abs(maximum)) }
}

/// What passes, sessions and quantization have to know of an operator, without knowing which one it is.
///
/// `Verification` asks none of these: it keeps a table of its own, so that a mistake here can't certify itself.
extension Operator {
  package var movement: ElementMovement? { nil }
  package var elementwise: ElementwiseForm? { nil }
  package var dotProduct: DotProductForm? { nil }
  package func outputRange(_ constant: (_ input: Int) -> Float?) -> OutputRange? { nil }
  package var isHomogeneous: Bool { false }
  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { false }
  package var linearQuantization: LinearQuantizationForm? { nil }
  package var channelNormalization: ChannelNormalizationForm? { nil }
  package var pooling: PoolingForm? { nil }
  package var normalizes: Bool { false }
  package var givesProbabilities: Bool { false }
  package var isOpaque: Bool { false }
  package var roundsValues: Bool { false }

  package var isTransposition: Bool { movement?.arrangement == .transposed }

  /// Whether an operator gives max(x, 0) of each element, and no parameter could make it anything else.
  package var isRectifier: Bool { isHomogeneous && outputRange { _ in nil } == .nonNegative }

  /// Whether each element stays as it is, unless it lies outside a range: then it becomes the end that is nearer.
  package var isClip: Bool { elementwise == .unary && outputRange { _ in nil }?.isClip ?? false }

  /// Whether outputs are averages of elements of one channel.
  package var isAverage: Bool { isHomogeneous && movement == nil && elementwise == nil }

  /// Whether the first output is the first input, element by element.
  package var isIdentity: Bool { movement?.arrangement == .kept && elementwise == .unary }
}

extension Node {
  /// The positions of the inputs whose elements reappear in `output`; `nil` for an operator that computes it.
  package func movedInputs(to output: ValueID) -> [Int]? {
    guard let movement = op.movement, movement.reachesAllOutputs || outputs.first == output else {
      return nil
    }
    return movement.movesAllInputs ? Array(inputs.indices) : [0]
  }
}

extension Graph {
  /// The range that the operator which computes a value enforces; `nil` where it enforces none.
  package func outputRange(of value: ValueID) -> OutputRange? {
    guard let node = producer(of: value) else { return nil }
    return node.op.outputRange { position in
      guard position < node.inputs.count, let input = node.inputs[position] else { return nil }
      return self[input].constant?.convertedToFloat()?.elements(of: Float.self).first
    }
  }
}
