import Glibc
import GraphIR
import TensorCore

/// `Z = X ^ Y`, with multidirectional broadcasting (ONNX Pow, opset 7, 12, 13, 15).
///
/// The result has the element type of the base, which the exponent may differ from since opset 12.
public struct Pow: ExecutableOperator {
  public static let schema = OperatorSchema("Pow", inputs: 2...2, inputTypes: [.numeric])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try Dimensions.inferBroadcast(inputs)]
  }

  /// Row by row in row-major order; a constant exponent of 2 is a multiplication.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let base = try context.floatInput(0)
    let exponent = try context.input(1)
    let rows = BroadcastRows(base.shape, exponent.shape, output: try context.output().shape)
    if let values = exponent.constant?.convertedToFloat()?.elements(of: Float.self), values == [2] {
      return ClosureKernel(context) { operands in
        let (x, y) = (operands.input(0, as: Float.self), operands.output(as: Float.self))
        for i in 0..<base.type.count { y[i] = x[i] * x[i] }
      }
    }
    switch exponent.elementType {
    case .float32: return kernel(context, rows) { (exponent: Float) in exponent }
    case .int32: return kernel(context, rows) { (exponent: Int32) in Float(exponent) }
    case .int64: return kernel(context, rows) { (exponent: Int64) in Float(exponent) }
    case let other:
      throw .operator(
        .elementType(input: 1, actual: other, allowed: [.float32, .int32, .int64]))
    }
  }

  private func kernel<T: TensorElement>(
    _ context: KernelContext, _ rows: BroadcastRows,
    _ convert: @escaping @Sendable (T) -> Float
  ) -> any Kernel {
    ClosureKernel(context) { operands in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let z = operands.input(1, as: T.self)
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      Parallelism.forEachRange(count: rows.count, grain: max(1, 4096 / rows.length)) {
        rows.forEach($0) { row, a, b in
          for i in 0..<rows.length {
            y[row * rows.length + i] = powf(x[a + i * rows.stepA], convert(z[b + i * rows.stepB]))
          }
        }
      }
    }
  }
}

extension Pow: DifferentiableOperator {
  /// dX = dY e x^(e - 1), summed over the axes along which the base was repeated. The exponent has no gradient.
  ///
  /// - Throws: ``OperatorError/needsConstant(input:)`` where the exponent is trained.
  public func makeTrainingKernel(_ context: TrainingContext) throws(KernelError)
    -> any TrainingKernel
  {
    guard !context.wantsGradient(1) else { throw .operator(.needsConstant(input: "Y")) }
    let forward = try makeKernel(context.kernel)
    switch try context.kernel.input(1).elementType {
    case .int32:
      return try trainingKernel(forward, context) { (exponent: Int32) in Float(exponent) }
    case .int64:
      return try trainingKernel(forward, context) { (exponent: Int64) in Float(exponent) }
    default: return try trainingKernel(forward, context) { (exponent: Float) in exponent }
    }
  }

  private func trainingKernel<T: TensorElement>(
    _ forward: any Kernel, _ context: TrainingContext,
    _ convert: @escaping @Sendable (T) -> Float
  ) throws(KernelError) -> any TrainingKernel {
    let base = try context.kernel.floatInput(0)
    let rows = BroadcastRows(
      base.shape, try context.kernel.input(1).shape, output: try context.kernel.output().shape)
    let count = base.type.count
    return InferredTrainingKernel("power", forward, preferred: .rowMajor) { _ in
      Backward(
        "power gradient",
        operands: [.input(0, .rowMajor), .input(1, .rowMajor), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)],
        scratchByteCounts: [max(count, 1) * MemoryLayout<Double>.size]
      ) { operands in
        let (x, z) = (operands.input(0, as: Float.self), operands.input(1, as: T.self))
        let g = operands.input(2, as: Float.self)
        let (dx, sums) = (
          operands.output(0, as: Float.self), operands.output(1, as: Double.self)
        )
        sums.update(repeating: 0, count: count)
        rows.forEach(0..<rows.count) { row, a, b in
          for i in 0..<rows.length {
            let exponent = convert(z[b + i * rows.stepB])
            // x^0 is constant, at 0 too.
            guard exponent != 0 else { continue }
            let slope = exponent * powf(x[a + i * rows.stepA], exponent - 1)
            sums[a + i * rows.stepA] += Double(g[row * rows.length + i] * slope)
          }
        }
        for i in 0..<count { dx[i] = Float(sums[i]) }
      }
    }
  }
}
