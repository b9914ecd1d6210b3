import DNNEngine
import GraphIR
import TensorCore

extension ExecutableOperator {
  /// The kernel for any element types that the operator's definition allows.
  ///
  /// What the operator refuses for the precision of its floats is computed in single precision.
  ///
  /// - Throws: ``KernelError`` as ``makeKernel(_:)``.
  func makeAnyKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    do {
      return try makeKernel(context)
    } catch {
      guard case .operator(.elementType) = error, context.hasOtherFloats, context.epilogue.isEmpty
      else { throw error }
      let kernel = PrecisionBridge(self, context)
      // The same operator may refuse single precision too, for another reason.
      _ = try makeKernel(kernel.singleContext)
      return kernel
    }
  }
}

/// Runs an operator in single precision on floats of other precisions: a conversion of each input before, of
/// each output after.
///
/// For what is seldom computed: the operator's kernel is made anew at each run.
private final class PrecisionBridge: Kernel {
  let inputs: [InputRequest]
  let outputs: [TensorLayout]
  let singleContext: KernelContext
  private let op: any ExecutableOperator
  private let inputTypes: [ConcreteType?]
  private let outputTypes: [ConcreteType?]

  init(_ op: any ExecutableOperator, _ context: KernelContext) {
    self.op = op
    inputs = context.rowMajorInputs
    outputs = [TensorLayout](repeating: .rowMajor, count: context.outputs.count)
    inputTypes = context.inputs.map { $0?.type }
    outputTypes = context.outputs
    singleContext = KernelContext(
      engine: context.engine,
      inputs: context.inputs.map { input in
        input.map {
          KernelInput(
            type: $0.type.inSinglePrecision, layout: .rowMajor,
            constant: $0.constant?.inSinglePrecision)
        }
      },
      outputs: context.outputs.map { $0?.inSinglePrecision },
      isReproducible: context.isReproducible)
  }

  func forward(_ operands: Operands) throws(KernelError) {
    var tensors: [Tensor?] = []
    for (index, type) in inputTypes.enumerated() {
      guard let type else {
        tensors.append(nil)
        continue
      }
      let source = operands.input(index, as: UInt8.self)
      let tensor = try Tensor.allocate(type) { (bytes) throws(KernelError) in
        bytes.copyMemory(from: UnsafeRawBufferPointer(start: source, count: bytes.count))
      }
      tensors.append(tensor.inSinglePrecision)
    }
    let results = try ConstantEvaluator.evaluate(
      op, inputs: tensors, outputs: singleContext.outputs)
    var next = results.makeIterator()
    for (index, type) in outputTypes.enumerated() {
      guard let type, let result = next.next() else { continue }
      let target = operands.output(index, as: UInt8.self)
      let bytes = result.storage.bytes
      guard type.elementType != result.elementType else {
        UnsafeMutableRawPointer(target).copyMemory(
          from: bytes.baseAddress ?? UnsafeRawPointer(target), byteCount: bytes.count)
        continue
      }
      try result.withElements(of: Float.self) { (elements) throws(KernelError) in
        try Self.store(elements, as: type.elementType, to: target)
      }
    }
  }
}

extension PrecisionBridge {
  /// - Throws: ``OperatorError/unsupported(what:)`` for floats of less than two bytes.
  private static func store(
    _ elements: UnsafeBufferPointer<Float>, as type: ElementType, to target: UnsafeMutableRawPointer
  ) throws(KernelError) {
    func put<T>(_ convert: (Float) -> T) {
      let target = target.assumingMemoryBound(to: T.self)
      for (position, element) in elements.enumerated() { target[position] = convert(element) }
    }
    switch type {
    case .float64: put { Double($0) }
    case .float16: put { HalfPrecision.float16($0) }
    case .bfloat16: put { HalfPrecision.bfloat16($0) }
    default: throw .operator(.unsupported(what: "element type \(type.onnxName)"))
    }
  }
}

extension KernelContext {
  /// Whether an input or output holds floats of another precision than single.
  fileprivate var hasOtherFloats: Bool {
    let types = inputs.compactMap { $0?.elementType } + outputs.compactMap { $0?.elementType }
    return types.contains { $0.isFloatingPoint && $0 != .float32 }
  }
}

extension ConcreteType {
  fileprivate var inSinglePrecision: ConcreteType {
    elementType.isFloatingPoint ? ConcreteType(.float32, shape) : self
  }
}

extension Tensor {
  fileprivate var inSinglePrecision: Tensor {
    elementType.isFloatingPoint ? convertedToFloat() ?? self : self
  }
}
