import DNNEngine
import GraphIR
import TensorCore

/// An operator with a derivative.
///
/// Forward and backward are made together, since backward needs what forward has chosen and kept.
public protocol DifferentiableOperator: ExecutableOperator {
  /// The kernel that trains a node, for the shapes and layouts of `context`.
  ///
  /// - Throws: ``KernelError`` where a type or combination isn't supported, or the engine refuses.
  func makeTrainingKernel(_ context: TrainingContext) throws(KernelError) -> any TrainingKernel
}

/// What a training run may choose among ways to compute the same.
public struct TrainingOptions: Sendable, Hashable {
  /// Multiplies integers where both operands of a convolution are held as such and the CPU has
  /// instructions for it; the products are exact either way.
  public var usesIntegers: Bool
  /// Computes gradients of 3x3 convolutions on transformed tiles, with fewer products and larger
  /// rounding errors.
  public var usesWinograd: Bool
  /// Normalises by running statistics, which then stay as they are.
  public var freezesNormalization: Bool

  /// Sums the gradients of weights in an order that doesn't depend on the number of threads, without transformed
  /// tiles; that costs time where threads are many.
  public var isReproducible: Bool

  public init(
    usesIntegers: Bool = true, usesWinograd: Bool = true, freezesNormalization: Bool = false,
    isReproducible: Bool = false
  ) {
    self.usesIntegers = usesIntegers
    self.usesWinograd = usesWinograd
    self.freezesNormalization = freezesNormalization
    self.isReproducible = isReproducible
  }
}

/// A tensor held as integers: value = integer x scale (+ offset).
///
/// In memory it is three buffers: the integers, the scale (one for all or one a channel), and the offset
/// (one a channel, absent where there is none).
public struct IntegerForm: Sendable, Hashable {
  /// Of 8-bit codes, or of 32-bit accumulators.
  public var layout: MemoryDescriptor
  public var element: EngineElement
  /// Entries of the scale: 1, or the number of channels.
  public var scaleCount: Int
  /// The dimension that counts channels: 1 of activations, 0 of weights.
  public var channelAxis: Int
  /// Entries of the offset, 0 where there is none.
  public var offsetCount: Int

  public init(
    layout: MemoryDescriptor, element: EngineElement, scaleCount: Int = 1, offsetCount: Int = 0,
    channelAxis: Int = 1
  ) {
    self.layout = layout
    self.element = element
    self.scaleCount = scaleCount
    self.offsetCount = offsetCount
    self.channelAxis = channelAxis
  }
}

/// What a training kernel can know of an input when it is made.
public struct TrainingInput: Sendable {
  /// Type, and the layout in which it stands as floats; where it is held as integers alone, that in which
  /// floats are made of them in one pass.
  public var value: KernelInput
  /// The form in which it stands as integers, if it does.
  public var integers: IntegerForm?
  /// False where it stands as integers alone, and floats cost a pass.
  public var standsAsFloats: Bool
  /// Whether anything trained lies behind it.
  public var wantsGradient: Bool
}

/// Everything that a training kernel is made from.
public struct TrainingContext {
  /// The context of inference: engine, types, layouts and constants.
  public let kernel: KernelContext
  /// `nil` for an absent optional input.
  public let inputs: [TrainingInput?]
  public let options: TrainingOptions

  var engine: Engine { kernel.engine }

  /// - Throws: ``OperatorError/missingInput(index:name:)`` where it is absent.
  func input(_ index: Int) throws(KernelError) -> TrainingInput {
    guard inputs.indices.contains(index), let input = inputs[index] else {
      throw .operator(.missingInput(index: index, name: "\(index)"))
    }
    return input
  }

  func wantsGradient(_ index: Int) -> Bool {
    inputs.indices.contains(index) && inputs[index]?.wantsGradient ?? false
  }
}

/// What is known when the backward half of a kernel is made: later nodes' gradients have their layouts.
public struct BackwardContext {
  /// The layout in which the gradient of each output comes, `nil` where none does.
  public let gradients: [TensorLayout?]
  /// Whether the gradient of each input is wanted.
  public let wanted: [Bool]
  /// The layout in which whoever computed an input would like its gradient.
  public let preferred: [TensorLayout?]
}
