import DNNEngine
import GraphIR

/// What a plan may choose among ways to compute the same.
public struct KernelOptions: Sendable, Hashable {
  /// Multiplies integers where both operands of a convolution are held as such and the CPU has
  /// instructions for it; the products are exact either way.
  public var usesIntegers: Bool
  /// Computes gradients of 3x3 convolutions on transformed tiles, with fewer products and larger
  /// rounding errors.
  public var usesWinograd: Bool
  /// Normalises by running statistics in training, which then stay as they are.
  public var freezesNormalization: Bool

  /// Computes the same bits with any number of threads, gradients of weights without transformed tiles; that costs
  /// time where threads are many.
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

/// What a kernel can know of an input that may stand as integers.
package struct FormInput: Sendable {
  /// Type, and the layout in which it stands as floats; where it is held as integers alone, that in which
  /// floats are made of them in one pass.
  package var value: KernelInput
  /// The form in which it stands as integers, if it does.
  package var integers: IntegerForm?
  /// False where it stands as integers alone, and floats cost a pass.
  package var standsAsFloats: Bool
  /// Whether anything trained lies behind it.
  package var wantsGradient: Bool
}

/// Everything that a kernel over several forms is made from.
package struct FormContext {
  /// The context of a kernel over floats: engine, types, layouts and constants.
  package let kernel: KernelContext
  /// `nil` for an absent optional input.
  package let inputs: [FormInput?]
  package let options: KernelOptions

  package var engine: Engine { kernel.engine }

  /// - Throws: ``OperatorError/missingInput(index:name:)`` where it is absent.
  package func input(_ index: Int) throws(KernelError) -> FormInput {
    guard inputs.indices.contains(index), let input = inputs[index] else {
      throw .operator(.missingInput(index: index, name: "\(index)"))
    }
    return input
  }

  package func wantsGradient(_ index: Int) -> Bool {
    inputs.indices.contains(index) && inputs[index]?.wantsGradient ?? false
  }

  /// Whether anything trained lies behind any input.
  var wantsAnyGradient: Bool { inputs.contains { $0?.wantsGradient ?? false } }
}
