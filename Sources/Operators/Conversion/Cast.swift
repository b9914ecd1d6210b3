import DNNEngine
import Execution
import GraphIR
import TensorCore

/// Conversion to another element type (ONNX Cast, opset 6, 9, 13, 19 to 25).
///
/// Floats become integers by truncation, and booleans by comparison with zero.
package struct Cast: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("Cast", since: 6, inputs: 1...1)

  package var elementwise: ElementwiseForm? { .unary }

  package var target: ElementType
  /// Whether out-of-range values of the 8-bit float targets saturate (opset 19).
  package var saturates: Bool

  package init(to target: ElementType, saturates: Bool = true) {
    self.target = target
    self.saturates = saturates
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let code = try attributes.int("to") else { throw .missingAttribute(name: "to") }
    guard let target = Int32(exactly: code).flatMap(ElementType.init(rawValue:)) else {
      throw .attributeValue(name: "to", value: "\(code)", allowed: "a known element type")
    }
    self.init(to: target, saturates: try attributes.bool("saturate", default: true))
  }

  package func attributes() -> [Attribute] {
    var result = [Attribute("to", .int(Int64(target.rawValue)))]
    if !saturates { result.append(Attribute("saturate", .int(0))) }
    return result
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [TensorType(target, inputs.dimensions(0))]
  }
}

extension Cast: DifferentiableOperator {
  /// Element by element in row-major order; a cast to the same type is the input's memory.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    if input.elementType == target {
      return ViewKernel(context, first: .layout(input.layout), output: input.layout)
    }
    guard let read = ElementCodec(input.elementType), let write = ElementCodec(target) else {
      throw .operator(
        .unsupported(what: "Cast of \(input.elementType.onnxName) to \(target.onnxName)"))
    }
    if target == .float32, input.elementType == .int32 { return try sumsToFloats(input, context) }
    let count = input.type.count
    return ClosureKernel(context) { operands in
      let (x, y) = (operands.input(0, as: UInt8.self), operands.output(as: UInt8.self))
      for index in 0..<count { write.store(read.load(UnsafeRawPointer(x), index), y, index) }
    }
  }

  /// What follows each product of integers, in the layout in which the sums stand.
  private func sumsToFloats(_ input: KernelInput, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    let (layout, count) = input.elementwiseMemory(keepsZero: true)
    return ClosureKernel(
      inputs: context.requests(first: layout), outputs: [try layout.with(.float32)]
    ) { operands in
      Parallelism.forEachRange(
        count: count, grain: MemoryDescriptor.AxisNest.grain,
        sharing: operands.input(0, as: Int32.self), operands.output(as: Float.self)
      ) { range, x, y in
        for i in range { y[i] = Float(x[i]) }
      }
    }
  }

  /// dX = dY of a cast to the same type; others have no gradient.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)`` where a gradient is wanted through such a cast.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    if try context.kernel.input(0).elementType == target {
      return InferredTrainingKernel.identity(kernel)
    }
    guard !context.wantsGradient(0) else {
      throw .operator(.unsupported(what: "training through a Cast to \(target.onnxName)"))
    }
    return InferredTrainingKernel.withoutGradient(type, kernel)
  }
}

extension Cast: DimensionArithmetic {
  /// Dimensions fit in 32 bits wherever a model counts on it.
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    [.int64, .int32].contains(target) ? inputs.elements(0) : nil
  }
}
