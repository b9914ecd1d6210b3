import Execution
import GraphIR
import TensorCore

/// `output = X` where the condition holds, otherwise `Y`, all three broadcast (ONNX Where, opset 9, 16).
package struct Where: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Where", since: 9, inputs: 3...3, inputTypes: [[.bool], .any])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(1)?.elementType ?? inputs.type(2)?.elementType else {
      return [nil]
    }
    var dimensions: [Dimension] = []
    for index in 0..<3 {
      guard let next = inputs.dimensions(index) else { return [TensorType(type, nil)] }
      dimensions = try Dimensions.broadcast(dimensions, next)
    }
    return [TensorType(type, dimensions)]
  }
}

extension Where: DifferentiableOperator {
  /// Copies elements by their size, in row-major order.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let (x, y) = (try context.input(1).elementType, try context.input(2).elementType)
    guard x == y else {
      throw .operator(.elementType(input: 2, actual: y, allowed: [x]))
    }
    switch x.bitWidth {
    case 8: return try kernel(UInt8.self, context)
    case 16: return try kernel(UInt16.self, context)
    case 32: return try kernel(UInt32.self, context)
    case 64: return try kernel(UInt64.self, context)
    default: throw .operator(.unsupported(what: "Where of \(x.onnxName)"))
    }
  }

  private func kernel<T: BitwiseCopyable>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    let (first, second) = try rows(context)
    return ClosureKernel(context) { operands in
      let condition = operands.input(0, as: UInt8.self)
      let (x, z) = (operands.input(1, as: T.self), operands.input(2, as: T.self))
      let y = operands.output(as: T.self)
      // X goes everywhere, then Y where the condition doesn't hold.
      first.forEach(0..<first.count) { row, from, _ in
        for i in 0..<first.length { y[row * first.length + i] = x[from + i * first.stepA] }
      }
      second.forEach(0..<second.count) { row, flag, from in
        for i in 0..<second.length where condition[flag + i * second.stepA] == 0 {
          y[row * second.length + i] = z[from + i * second.stepB]
        }
      }
    }
  }

  /// How X alone, and condition and Y together, are walked along the output.
  private func rows(_ context: KernelContext) throws(KernelError) -> (BroadcastRows, BroadcastRows)
  {
    let output = try context.output().shape
    let (condition, x, y) = (
      try context.input(0).shape, try context.input(1).shape, try context.input(2).shape
    )
    return (
      BroadcastRows(x, output, output: output), BroadcastRows(condition, y, output: output)
    )
  }

  /// dX = dY where the condition holds and dY elsewhere goes to the other one, each summed over the axes along
  /// which it was repeated.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let forward = try makeKernel(context.kernel)
    let output = try context.kernel.output().shape
    let condition = try context.kernel.input(0).shape
    let wanted = [1, 2].filter { context.wantsGradient($0) }
    let operands = try wanted.map { (index) throws(KernelError) in
      let input = try context.kernel.floatInput(index)
      return (
        rows: BroadcastRows(condition, input.shape, output: output), count: input.type.count,
        flag: index == 1
      )
    }
    return InferredTrainingKernel("selection", forward, preferred: .rowMajor) { _ in
      Backward(
        "selection gradient", operands: [.input(0, .rowMajor), .gradient(0, .rowMajor)],
        results: wanted.map { Backward.Result(input: $0, layout: .rowMajor) },
        scratchByteCounts: operands.map { max($0.count, 1) * MemoryLayout<Double>.size }
      ) { memory in
        let condition = memory.input(0, as: UInt8.self)
        let dy = memory.input(1, as: Float.self)
        for (index, (rows, count, flag)) in operands.enumerated() {
          let sums = memory.output(operands.count + index, as: Double.self)
          sums.update(repeating: 0, count: count)
          rows.forEach(0..<rows.count) { row, from, to in
            for i in 0..<rows.length where (condition[from + i * rows.stepA] != 0) == flag {
              sums[to + i * rows.stepB] += Double(dy[row * rows.length + i])
            }
          }
          let result = memory.output(index, as: Float.self)
          for i in 0..<count { result[i] = Float(sums[i]) }
        }
      }
    }
  }
}

extension Where: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    guard let condition = inputs.vector(0), let choices = inputs.elementPairs(1, 2) else {
      return nil
    }
    return Dimension.pairs(condition, choices)?.map { holds, choice in
      if choice.0 == choice.1 { return choice.0 }
      return holds.size.map { $0 == 0 ? choice.1 : choice.0 } ?? .unknown
    }
  }
}
