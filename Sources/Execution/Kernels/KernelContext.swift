import DNNEngine
import GraphIR
import TensorCore

/// A tensor type in which everything is known.
package struct ConcreteType: Sendable, Hashable {
  package var elementType: ElementType
  package var shape: [Int]

  package init(_ elementType: ElementType, _ shape: [Int]) {
    self.elementType = elementType
    self.shape = shape
  }

  package var count: Int { Shape.elementCount(shape) ?? 0 }

  /// Bytes of a tensor of this type.
  ///
  /// - Throws: ``EngineError/memory(bytes:)`` where the machine hasn't got as many.
  package func checkedByteCount() throws(EngineError) -> Int {
    guard let count = Shape.elementCount(shape),
      let bytes = elementType.byteCount(elements: count)
    else { throw .memory(bytes: Int.max) }
    try Arena.checkSize(bytes)
    return bytes
  }
}

/// What a kernel can know of an input when it is made.
package struct KernelInput: Sendable {
  package var type: ConcreteType
  /// The layout in which the value stands, which is the cheapest one to ask for.
  package var layout: TensorLayout
  /// The value where it doesn't depend on the fed inputs.
  package var constant: Tensor?

  package var shape: [Int] { type.shape }
  package var elementType: ElementType { type.elementType }

  package init(type: ConcreteType, layout: TensorLayout, constant: Tensor? = nil) {
    self.type = type
    self.layout = layout
    self.constant = constant
  }
}

/// What is computed in one pass with a node's own result.
package struct Epilogue: Sendable, Hashable {
  /// Adds a tensor of the result's shape: one more input after the operator's own.
  package var addsResidual = false
  /// `nil` for none, 0 for a plain ReLU.
  package var reluSlope: Float?

  package init(addsResidual: Bool = false, reluSlope: Float? = nil) {
    self.addsResidual = addsResidual
    self.reluSlope = reluSlope
  }

  package var isEmpty: Bool { !addsResidual && reluSlope == nil }
}

/// Everything that a kernel is made from.
package struct KernelContext {
  package let engine: Engine
  /// `nil` for an absent optional input.
  package let inputs: [KernelInput?]
  /// `nil` for an output that nothing reads.
  package let outputs: [ConcreteType?]
  package let epilogue: Epilogue
  /// Whether results must not depend on the number of threads.
  package let isReproducible: Bool

  package init(
    engine: Engine, inputs: [KernelInput?], outputs: [ConcreteType?],
    epilogue: Epilogue = Epilogue(), isReproducible: Bool = false
  ) {
    self.isReproducible = isReproducible
    self.engine = engine
    self.inputs = inputs
    self.outputs = outputs
    self.epilogue = epilogue
  }

  /// - Throws: ``EngineError/memory(bytes:)`` where an output is larger than the machine's memory, before
  ///   a kernel prepares tables for it.
  package func checkOutputs() throws(KernelError) {
    for case let output? in outputs {
      _ = try KernelError.engine(try output.checkedByteCount())
    }
  }

  /// An input, or `nil` where it is absent or beyond the end.
  package func optional(_ index: Int) -> KernelInput? {
    inputs.indices.contains(index) ? inputs[index] : nil
  }

  /// - Throws: ``OperatorError/missingInput(index:name:)`` where it is absent.
  package func input(_ index: Int) throws(KernelError) -> KernelInput {
    guard let input = optional(index) else {
      throw .operator(.missingInput(index: index, name: "\(index)"))
    }
    return input
  }

  /// An input of 32-bit floats.
  ///
  /// - Throws: ``OperatorError`` where it is absent or of another type.
  package func floatInput(_ index: Int) throws(KernelError) -> KernelInput {
    let input = try input(index)
    guard input.elementType == .float32 else {
      throw .operator(
        .elementType(input: index, actual: input.elementType, allowed: [.float32]))
    }
    return input
  }

  /// The first output.
  ///
  /// - Throws: ``OperatorError/arity(what:expected:actual:)`` for a node whose first output is absent.
  package func output() throws(KernelError) -> ConcreteType {
    guard let output = outputs.first, let output else {
      throw .operator(.arity(what: "outputs", expected: 1...1, actual: 0))
    }
    return output
  }

  /// - Throws: ``OperatorError/unsupported(what:)`` where an output after the first is read.
  package func requireSingleOutput(_ what: String) throws(KernelError) {
    guard outputs.dropFirst().allSatisfy({ $0 == nil }) else {
      throw .operator(.unsupported(what: what))
    }
  }

  /// A constant list of integers, `nil` where the input is absent.
  ///
  /// - Throws: ``OperatorError`` where it is computed, or isn't of an integer type.
  package func constantIntegers(_ index: Int, _ name: String) throws(KernelError) -> [Int]? {
    guard let input = optional(index) else { return nil }
    guard let constant = input.constant else { throw .operator(.needsConstant(input: name)) }
    guard let integers = constant.integers() else {
      throw .operator(
        .elementType(input: index, actual: constant.elementType, allowed: .integer))
    }
    return integers
  }

  /// An axis that counts from the end where negative.
  ///
  /// - Throws: ``OperatorError/outOfRange(what:value:allowed:)`` outside `-rank..<rank`.
  package func normalized(_ axis: Int, rank: Int) throws(KernelError) -> Int {
    try KernelError.operation(try Axes.normalized(axis, rank: rank))
  }

  /// Types and constants of the inputs in the form that inference takes.
  package var inferenceInputs: [InputInfo?] {
    inputs.map { input in
      input.map {
        InputInfo(
          type: TensorType($0.elementType, shape: $0.shape), constant: $0.constant)
      }
    }
  }

  /// Row-major requests for all inputs.
  package var rowMajorInputs: [InputRequest] {
    [InputRequest](repeating: .rowMajor, count: inputs.count)
  }
}

extension KernelInput {
  /// The layout as a descriptor.
  ///
  /// - Throws: ``KernelError`` for an element type or rank that oneDNN has no layouts for.
  package func descriptor() throws(KernelError) -> MemoryDescriptor {
    switch layout {
    case .engine(let descriptor): return descriptor
    case .rowMajor:
      guard let type = EngineElement(elementType) else {
        throw .operator(.unsupported(what: "element type \(elementType.onnxName)"))
      }
      return try KernelError.engine(try MemoryDescriptor(rowMajor: shape, type))
    }
  }
}
