/// Which elements of an operator's inputs reappear in its outputs, for one that computes nothing.
public struct ElementMovement: Sendable, Hashable {
  /// How the outputs' elements are taken from the inputs'.
  public enum Arrangement: Sendable, Hashable {
    /// All of them, in the same row-major order.
    case kept
    /// Each of them, by another order of the axes.
    case transposed
    /// Each of them, in another order.
    case permuted
    /// Some of them, of which some may come repeatedly.
    case selected
  }

  public var arrangement: Arrangement
  /// Whether all inputs are moved, as by a concatenation; else the first alone, and others say how.
  public var movesAllInputs = false
  /// Whether all outputs hold moved elements; else the first alone, and others are masks or positions.
  public var reachesAllOutputs = false

  public init(
    _ arrangement: Arrangement, movesAllInputs: Bool = false, reachesAllOutputs: Bool = false
  ) {
    self.arrangement = arrangement
    self.movesAllInputs = movesAllInputs
    self.reachesAllOutputs = reachesAllOutputs
  }
}

/// How the output elements of an operator depend on those of its inputs at the same place.
public enum ElementwiseForm: Sendable, Hashable {
  /// On one element of the first input; further inputs hold one element each, and are parameters.
  case unary
  /// On one element of the first input; further inputs are parameters that are broadcast against it.
  case parametrized
  /// On one element of each of two inputs, which are broadcast.
  case binary
  /// ``binary``, whose result is the sum.
  case sum
}

/// The forms of the operators that sum products of an input and a weight.
public enum DotProductForm: Sendable, Hashable {
  /// A convolution (weight: O x I/groups x kernel).
  case convolution
  /// A transposed convolution (weight: I x O/groups x kernel).
  case transposedConvolution
  /// A product of matrices with factors and a summand of its own.
  case gemm
  /// A batched product of matrices.
  case matMul

  public var isConvolution: Bool { self == .convolution || self == .transposedConvolution }
}

/// The values that an operator can give, whatever its first input.
public struct OutputRange: Sendable, Hashable {
  public var minimum: Float
  public var maximum: Float
  /// Whether values inside the range pass unchanged, as by a rectifier.
  public var isClip: Bool

  public init(minimum: Float = -.infinity, maximum: Float = .infinity, isClip: Bool = false) {
    self.minimum = minimum
    self.maximum = maximum
    self.isClip = isClip
  }

  public var isBounded: Bool { minimum.isFinite && maximum.isFinite }
  /// The largest magnitude.
  public var magnitude: Float { max(abs(minimum), abs(maximum)) }
}

/// What an operator gives that rounds floats to a grid, whose scale is an input.
public enum GridForm: Sendable, Hashable {
  /// Floats of the grid, which are what the file says of its integers: never folded away.
  case values
  /// The integers that count its steps.
  case integers
}

/// What passes, sessions and quantization have to know of an operator, without knowing which one it is.
///
/// `Verification` asks none of these: it keeps a table of its own, so that a mistake here can't certify itself.
extension Operator {
  public var movement: ElementMovement? { nil }
  public var elementwise: ElementwiseForm? { nil }
  public var dotProduct: DotProductForm? { nil }
  public func outputRange(_ constant: (_ input: Int) -> Float?) -> OutputRange? { nil }
  public var isHomogeneous: Bool { false }
  public var gridForm: GridForm? { nil }

  public var isTransposition: Bool { movement?.arrangement == .transposed }

  /// Whether outputs are averages of elements of one channel.
  public var isAverage: Bool { isHomogeneous && movement == nil && elementwise == nil }

  /// Whether the first output is the first input, element by element.
  public var isIdentity: Bool { movement?.arrangement == .kept && elementwise == .unary }
}

extension Node {
  /// The positions of the inputs whose elements reappear in `output`; `nil` for an operator that computes it.
  public func movedInputs(to output: ValueID) -> [Int]? {
    guard let movement = op.movement, movement.reachesAllOutputs || outputs.first == output else {
      return nil
    }
    return movement.movesAllInputs ? Array(inputs.indices) : [0]
  }
}

extension Graph {
  /// The range that the operator which computes a value enforces; `nil` where it enforces none.
  public func outputRange(of value: ValueID) -> OutputRange? {
    guard let node = producer(of: value) else { return nil }
    return node.op.outputRange { position in
      guard position < node.inputs.count, let input = node.inputs[position] else { return nil }
      return self[input].constant?.convertedToFloat()?.elements(of: Float.self).first
    }
  }
}
