import Execution
import GraphIR
import TensorCore

/// `Z = X ^ Y`, with multidirectional broadcasting (ONNX Pow, opset 7, 12, 13, 15).
///
/// The result has the element type of the base, which the exponent may differ from since opset 12.
package struct Pow: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("Pow", inputs: 2...2, inputTypes: [.numeric])

  /// Even powers, and powers of what can't be negative.
  package func cannotBeNegative(_ operands: OperandSigns) -> Bool {
    let exponents = operands.constant(1)?.convertedToFloat()?.elements(of: Float.self)
    return operands.first
      || exponents?.allSatisfy { $0.truncatingRemainder(dividingBy: 2) == 0 } ?? false
  }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try Dimensions.inferBroadcast(inputs)]
  }

  /// Row by row in row-major order; a constant exponent of 2 is a multiplication.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let base = try context.input(0)
    let exponent = try context.input(1)
    guard base.elementType == .float32 else {
      return try kernel(try context.number(0), try context.number(1), context)
    }
    if let values = exponent.constant?.convertedToFloat()?.elements(of: Float.self), values == [2] {
      return try map(Float.self, Float.self, context) { $0 * $0 }
    }
    if exponent.elementType == .float32 {
      return try BroadcastKernels.map(context) { (x: Float, z: Float) in powf(x, z) }
    }
    return try kernel(Float.self, try context.number(1), context)
  }

  private func kernel<T: Number, U: Number>(
    _ base: T.Type, _ exponent: U.Type, _ context: KernelContext
  ) throws(KernelError) -> any Kernel {
    let (base, exponent) = (try context.input(0), try context.input(1))
    let isExact = base.elementType.isInteger && exponent.elementType.isInteger
    return try BroadcastKernels.map(context) { (x: T, z: U) -> T in
      isExact && z >= .zero
        ? Self.power(x, UInt64(converting: z.real)) : T(converting: pow(x.real, z.real))
    }
  }

  /// Integers wrap around.
  private static func power<T: Number>(_ base: T, _ exponent: UInt64) -> T {
    var (result, square, rest) = (T.one, base, exponent)
    while rest > 0 {
      if rest % 2 == 1 { result = T.product(result, square) }
      square = T.product(square, square)
      rest /= 2
    }
    return result
  }
}

extension Pow: DifferentiableOperator {
  /// dX = dY e x^(e - 1), summed over the axes along which the base was repeated. The exponent has no gradient.
  ///
  /// - Throws: ``OperatorError/needsConstant(input:)`` where the exponent is trained.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    guard !context.wantsGradient(1) else { throw .operator(.needsConstant(input: "Y")) }
    let forward = try makeKernel(context.kernel)
    switch try context.kernel.input(1).elementType {
    case .int32:
      return try trainingKernel(forward, context) { (exponent: Int32) in Float(exponent) }
    case .int64:
      return try trainingKernel(forward, context) { (exponent: Int64) in Float(exponent) }
    case .float32: return try trainingKernel(forward, context) { (exponent: Float) in exponent }
    case let other:
      throw .operator(.elementType(input: 1, actual: other, allowed: [.float32, .int32, .int64]))
    }
  }

  private func trainingKernel<T: TensorElement>(
    _ forward: any Kernel, _ context: FormContext,
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
