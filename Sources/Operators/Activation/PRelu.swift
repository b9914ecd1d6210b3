import Execution
import GraphIR
import TensorCore

/// `Y = X` where `X >= 0`, otherwise `slope * X`, the slope broadcast to X (ONNX PRelu, opset 7, 9, 16).
package struct PRelu: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("PRelu", inputs: 2...2, inputTypes: [.numeric])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let result = try Dimensions.inferBroadcast(inputs)
    if let shape = inputs.type(0)?.shape, let joined = result?.shape, shape != joined {
      throw .mismatch(
        what: "shape of the slope", expected: "one that broadcasts to \(shape)",
        actual: "\(inputs.type(1)?.shape ?? [])")
    }
    return [inputs.type(0)]
  }
}

extension PRelu: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.requireOneType()
    if try context.input(0).elementType == .float32 {
      return try BroadcastKernels.map(context) { (x: Float, slope: Float) in
        x < 0 ? slope * x : x
      }
    }
    return try kernel(try context.number(0), context)
  }

  private func kernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    try BroadcastKernels.map(context) { (x: T, slope: T) in x < .zero ? T.product(slope, x) : x }
  }

  /// dX = dY where x >= 0, else slope dY; dslope = dY x where x < 0, summed over the axes along which the slope
  /// was repeated.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let forward = try makeKernel(context.kernel)
    let shape = try context.kernel.floatInput(0).shape
    let slopes = try context.kernel.floatInput(1)
    let rows = BroadcastRows(shape, slopes.shape, output: shape)
    let count = slopes.type.count
    let wanted = [0, 1].filter { context.wantsGradient($0) }
    return InferredTrainingKernel("rectifier", forward, preferred: .rowMajor) { _ in
      Backward(
        "rectifier gradient",
        operands: [.input(0, .rowMajor), .input(1, .rowMajor), .gradient(0, .rowMajor)],
        results: wanted.map { Backward.Result(input: $0, layout: .rowMajor) },
        scratchByteCounts: [max(count, 1) * MemoryLayout<Double>.size]
      ) { operands in
        let (x, slope) = (operands.input(0, as: Float.self), operands.input(1, as: Float.self))
        let dy = operands.input(2, as: Float.self)
        let sums = operands.output(wanted.count, as: Double.self)
        sums.update(repeating: 0, count: count)
        let dx = wanted.first == 0 ? operands.output(0, as: Float.self) : nil
        rows.forEach(0..<rows.count) { row, start, from in
          for i in 0..<rows.length {
            let (place, parameter) = (start + i * rows.stepA, from + i * rows.stepB)
            let isNegative = x[place] < 0
            dx?[place] = isNegative ? slope[parameter] * dy[place] : dy[place]
            if isNegative { sums[parameter] += Double(dy[place]) * Double(x[place]) }
          }
        }
        guard wanted.last == 1 else { return }
        let result = operands.output(wanted.count - 1, as: Float.self)
        for i in 0..<count { result[i] = Float(sums[i]) }
      }
    }
  }
}
