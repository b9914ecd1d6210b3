import Execution
import GraphIR
import TensorCore

/// The sums of all elements up to each one along an axis (ONNX CumSum, opset 11, 14).
///
/// Inputs: X, and the axis as a constant integer. `exclusive` leaves the element itself out; `reverse` sums from
/// the end.
package struct CumSum: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "CumSum", since: 11, inputs: 2...2, inputTypes: [.numeric, .anyIndex])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var isExclusive: Bool
  package var isReversed: Bool

  package init(isExclusive: Bool = false, isReversed: Bool = false) {
    self.isExclusive = isExclusive
    self.isReversed = isReversed
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      isExclusive: try attributes.bool("exclusive", default: false),
      isReversed: try attributes.bool("reverse", default: false))
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("exclusive", .int(isExclusive ? 1 : 0)),
      Attribute("reverse", .int(isReversed ? 1 : 0)),
    ]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [inputs.type(0)]
  }
}

extension CumSum: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    if try context.input(0).elementType == .float32 { return try kernel(Float.self, context) }
    return try kernel(try context.number(0), context)
  }

  private func kernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    let lines = try lines(context)
    return ClosureKernel(context) { operands in
      run(lines, operands.input(0, as: T.self), operands.output(as: T.self))
    }
  }

  private func lines(_ context: KernelContext) throws(KernelError) -> AxisLines {
    let shape = try context.input(0).shape
    guard let axis = try context.constantIntegers(1, "axis")?.first else {
      throw .operator(.missingInput(index: 1, name: "axis"))
    }
    return AxisLines(shape, axis: try context.normalized(axis, rank: shape.count))
  }

  private func run<T: Number>(
    _ lines: AxisLines, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>
  ) {
    lines.forEachRange(sharing: x, y) { range, x, y in
      for line in range {
        let start = lines.start(line)
        var sum = T.zero
        for i in 0..<lines.length {
          let place = start + (isReversed ? lines.length - 1 - i : i) * lines.stride
          let next = T.sum(sum, x[place])
          y[place] = isExclusive ? sum : next
          sum = next
        }
      }
    }
  }

  /// dX is the sum of dY in the other direction.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    _ = try context.kernel.floatInput(0)
    let lines = try lines(context.kernel)
    let opposite = CumSum(isExclusive: isExclusive, isReversed: !isReversed)
    return InferredTrainingKernel("running sum", kernel, preferred: .rowMajor) { _ in
      Backward(
        "running sum gradient", operands: [.gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        opposite.run(lines, operands.input(0, as: Float.self), operands.output(as: Float.self))
      }
    }
  }
}
