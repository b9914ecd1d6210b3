import Execution
import GraphIR
import TensorCore

/// Puts the results of a MaxPool back where its positions say, with zeros elsewhere (ONNX MaxUnpool, opset 9, 11, 22).
///
/// Inputs: X, the positions of its elements in the output in row-major order, and optionally the output's shape, which
/// else is what the window covers.
package struct MaxUnpool: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "MaxUnpool", since: 9, inputs: 2...3, inputTypes: [.float, .index, .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var window: SlidingWindow

  package init(window: SlidingWindow) { self.window = window }

  package init(attributes: AttributeReader) throws(OperatorError) {
    window = try SlidingWindow(attributes: attributes)
    guard window.kernelShape != nil else { throw .missingAttribute(name: "kernel_shape") }
  }

  package func attributes() -> [Attribute] { window.attributes() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let x = type.dimensions else { return [TensorType(type.elementType, nil)] }
    if let positions = inputs.type(1)?.shape, let shape = type.shape, positions != shape {
      throw .mismatch(what: "shape of positions", expected: "\(shape)", actual: "\(positions)")
    }
    let window = try window.resolved(kernel: window.kernelShape ?? [])
    guard x.count == window.kernel.count + 2 else {
      throw .rank(input: 0, expected: "\(window.kernel.count + 2)", actual: x.count)
    }
    if inputs.isPresent(2) {
      guard let shape = try inputs.integers(2) else {
        return [TensorType(type.elementType, Dimensions.unknown(rank: x.count))]
      }
      guard shape.count == x.count, shape.allSatisfy((0...Dimensions.limit).contains) else {
        throw .mismatch(what: "output_shape", expected: "\(x.count) sizes", actual: "\(shape)")
      }
      return [TensorType(type.elementType, shape.map { .fixed($0) })]
    }
    var result = Array(x[..<2])
    for axis in window.kernel.indices {
      guard let size = x[axis + 2].size, size <= Dimensions.limit / window.strides[axis] else {
        result.append(.unknown)
        continue
      }
      let pads = window.pads[axis] + window.pads[axis + window.kernel.count]
      result.append(
        .fixed(max((size - 1) * window.strides[axis] + window.kernel[axis] - pads, 0)))
    }
    return [TensorType(type.elementType, result)]
  }
}

extension MaxUnpool: DifferentiableOperator {
  /// Element by element; a position outside the output is refused when the kernel runs.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let count = try context.floatInput(0).type.count
    let places = try Places(self, context)
    return ClosureKernel(context) { (operands) throws(KernelError) in
      let (x, positions) = (operands.input(0, as: Float.self), operands.input(1, as: Int64.self))
      let y = operands.output(as: Float.self)
      y.update(repeating: 0, count: places.count)
      for i in 0..<count { y[try places.place(positions[i])] = x[i] }
    }
  }

  /// dX is dY at the positions.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let count = try context.kernel.floatInput(0).type.count
    let places = try Places(self, context.kernel)
    return InferredTrainingKernel("unpooling", kernel, preferred: .rowMajor) { _ in
      Backward(
        "unpooling gradient", operands: [.gradient(0, .rowMajor), .input(1, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { (operands) throws(KernelError) in
        let (dy, positions) = (operands.input(0, as: Float.self), operands.input(1, as: Int64.self))
        let dx = operands.output(as: Float.self)
        for i in 0..<count { dx[i] = dy[try places.place(positions[i])] }
      }
    }
  }

  /// Where positions lie in the output. They count the elements of the shape that the window covers, which a larger
  /// output holds at the beginning of its axes.
  private struct Places {
    private let counted: [Int]
    private let strides: [Int]
    let count: Int

    init(_ op: MaxUnpool, _ context: KernelContext) throws(KernelError) {
      let output = try context.output().shape
      let inferred = try KernelError.operation { () throws(OperatorError) in
        try op.infer(Array(context.inferenceInputs.prefix(2)))
      }
      counted = inferred[0]?.shape ?? output
      strides = Shape.strides(output)
      count = output.reduce(1, *)
      guard zip(counted, output).allSatisfy({ $0 <= $1 }) else {
        throw .operator(
          .mismatch(what: "output_shape", expected: "\(counted) or more", actual: "\(output)"))
      }
    }

    func place(_ position: Int64) throws(KernelError) -> Int {
      guard (0..<Int64(counted.reduce(1, *))).contains(position) else {
        throw .operator(
          .outOfRange(
            what: "position", value: Int(position), allowed: "0 to \(counted.reduce(1, *) - 1)"))
      }
      var (rest, place) = (Int(position), 0)
      for axis in counted.indices.reversed() {
        place += rest % counted[axis] * strides[axis]
        rest /= counted[axis]
      }
      return place
    }
  }
}
