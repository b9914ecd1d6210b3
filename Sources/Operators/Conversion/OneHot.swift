import Execution
import GraphIR
import TensorCore

/// A new axis on which the `on` value stands at each index, the `off` value elsewhere (ONNX OneHot, opset 9, 11).
///
/// Inputs: indices, counted from the end where negative, rounded toward zero, and without an `on` value where out
/// of range; the depth, a constant; the values `[off, on]`.
package struct OneHot: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "OneHot", since: 9, inputs: 3...3, inputTypes: [.numeric, .numeric, .numeric + [.bool]])

  package var axis: Int

  package init(axis: Int = -1) { self.axis = axis }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(axis: try attributes.int("axis", default: -1))
  }

  package func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(2) else { return [nil] }
    if let count = type.shape?.reduce(1, *), count != 2 {
      throw .mismatch(what: "number of values", expected: "2", actual: "\(count)")
    }
    guard var dimensions = inputs.dimensions(0) else { return [TensorType(type.elementType, nil)] }
    let axis = try Axes.normalized(axis, rank: dimensions.count + 1)
    dimensions.insert(.unknown, at: axis)
    if let depth = inputs.constant(1)?.convertedToFloat()?.elements(of: Float.self).first {
      guard let size = Int(exactly: depth.rounded(.towardZero)),
        (1...Dimensions.limit).contains(size)
      else {
        throw .attributeValue(name: "depth", value: "\(depth)", allowed: "1 or more")
      }
      dimensions[axis] = .fixed(size)
    }
    return [TensorType(type.elementType, dimensions)]
  }
}

extension OneHot: DifferentiableOperator {
  /// Copies values by their size, in row-major order.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let type = try context.input(2).elementType
    switch type.bitWidth {
    case 8: return try kernel(UInt8.self, context)
    case 16: return try kernel(UInt16.self, context)
    case 32: return try kernel(UInt32.self, context)
    case 64: return try kernel(UInt64.self, context)
    default: throw .operator(.unsupported(what: "OneHot of \(type.onnxName)"))
    }
  }

  private func kernel<T: BitwiseCopyable>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    let count = try context.output().count
    let place = try places(context)
    return ClosureKernel(context) { operands in
      let (values, y) = (operands.input(2, as: T.self), operands.output(as: T.self))
      y.update(repeating: values[0], count: count)
      place(operands.input(0, as: UInt8.self)) { y[$0] = values[1] }
    }
  }

  /// Calls its second argument with each place of the output that gets the `on` value.
  private typealias Places = (_ indices: UnsafePointer<UInt8>, _ body: (Int) -> Void) -> Void

  private func places(_ context: KernelContext) throws(KernelError) -> Places {
    let indices = try context.input(0)
    guard let codec = ElementCodec(indices.elementType) else {
      throw .operator(.elementType(input: 0, actual: indices.elementType, allowed: .numeric))
    }
    let output = try context.output().shape
    let lines = AxisLines(output, axis: try context.normalized(axis, rank: output.count))
    return { memory, body in
      for line in 0..<lines.count {
        let given = codec.load(memory, line).integer(Int.self)
        guard let index = Shape.normalizedAxis(given, rank: lines.length) else { continue }
        body(lines.start(line) + index * lines.stride)
      }
    }
  }

  /// dvalues is the sum of dY where each stands.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    _ = try context.kernel.floatInput(2)
    let count = try context.kernel.output().count
    let place = try places(context.kernel)
    return InferredTrainingKernel("one hot", kernel, preferred: .rowMajor) { _ in
      Backward(
        "one hot gradient", operands: [.input(0, .rowMajor), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 2, layout: .rowMajor)]
      ) { operands in
        let (dy, result) = (operands.input(1, as: Float.self), operands.output(as: Float.self))
        var (on, all) = (0.0, 0.0)
        for i in 0..<count { all += Double(dy[i]) }
        place(operands.input(0, as: UInt8.self)) { on += Double(dy[$0]) }
        result[0] = Float(all - on)
        result[1] = Float(on)
      }
    }
  }
}
