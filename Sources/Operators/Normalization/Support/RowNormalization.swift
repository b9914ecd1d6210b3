import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = scale * (x - mean) / sqrt(variance + epsilon) + bias`, with the statistics of each row of contiguous
/// elements: what LayerNormalization, GroupNormalization, InstanceNormalization and RMSNormalization compute.
///
/// A row reads `length / step` neighbouring parameters from where the row stands in its period on, each for
/// `step` elements.
struct RowNormalization: Sendable {
  /// Rows, and elements of each.
  var rows: Int
  var length: Int
  /// Rows until the parameters begin anew.
  var period: Int
  /// Neighbouring elements that share a parameter.
  var step: Int
  var epsilon: Double
  /// Whether the mean is subtracted; else it counts as 0, as in RMSNormalization.
  var centres = true

  /// Parameters of one row.
  private var width: Int { step == 0 ? 0 : length / step }

  var parameterCount: Int { period * width }

  /// Mean and inverse standard deviation of a row, in double precision.
  private func statistics(_ x: UnsafePointer<Float>) -> (mean: Double, inverse: Double) {
    var sum = 0.0
    for i in 0..<length { sum += Double(x[i]) }
    let mean = centres ? sum / Double(length) : 0
    var squares = 0.0
    for i in 0..<length {
      let difference = Double(x[i]) - mean
      squares += difference * difference
    }
    return (mean, 1 / (squares / Double(length) + epsilon).squareRoot())
  }

  /// - Parameters:
  ///   - bias: `nil` for none.
  ///   - means: of each row, where they are asked for; so `inverses`, the inverse standard deviations.
  func run(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    into y: UnsafeMutablePointer<Float>, means: UnsafeMutablePointer<Float>? = nil,
    inverses: UnsafeMutablePointer<Float>? = nil
  ) {
    Parallelism.forEachRange(
      count: rows, grain: max(1, elementGrain / max(length, 1)), sharing: x, scale, bias, y, means,
      inverses
    ) { range, x, scale, bias, y, means, inverses in
      for row in range {
        let (source, target) = (x + row * length, y + row * length)
        let (mean, inverse) = statistics(source)
        means?[row] = Float(mean)
        inverses?[row] = Float(inverse)
        let (centre, factor) = (Float(mean), Float(inverse))
        let first = row % period * width
        for entry in 0..<width {
          let (a, b) = (scale[first + entry] * factor, bias?[first + entry] ?? 0)
          for i in entry * step..<(entry + 1) * step { target[i] = (source[i] - centre) * a + b }
        }
      }
    }
  }

  /// With x' the normalized row and g = dY scale: dX = (g - mean(g) - x' mean(g x')) / deviation, dscale the sum
  /// of dY x', dbias that of dY.
  func gradients(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    dx: UnsafeMutablePointer<Float>?, scaleSums: UnsafeMutablePointer<Double>,
    biasSums: UnsafeMutablePointer<Double>
  ) {
    scaleSums.update(repeating: 0, count: parameterCount)
    biasSums.update(repeating: 0, count: parameterCount)
    for row in 0..<rows {
      let (source, gradient) = (x + row * length, dy + row * length)
      let (mean, inverse) = statistics(source)
      let first = row % period * width
      var (sum, product) = (0.0, 0.0)
      for i in 0..<length {
        let parameter = first + i / step
        let normalized = (Double(source[i]) - mean) * inverse
        let slope = Double(gradient[i])
        scaleSums[parameter] += slope * normalized
        biasSums[parameter] += slope
        sum += slope * Double(scale[parameter])
        product += slope * Double(scale[parameter]) * normalized
      }
      guard let dx else { continue }
      if !centres { sum = 0 }
      for i in 0..<length {
        let normalized = (Double(source[i]) - mean) * inverse
        let slope = Double(gradient[i]) * Double(scale[first + i / step])
        dx[row * length + i] = Float(
          inverse * (slope - (sum + normalized * product) / Double(length)))
      }
    }
  }

  /// The kernel of inputs X, scale and an optional bias, with optional outputs for the statistics.
  func kernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    _ = try context.floatInput(0)
    _ = try context.floatInput(1)
    let hasBias = context.optional(2) != nil
    if hasBias { _ = try context.floatInput(2) }
    let given = context.outputs.map { $0 != nil }
    return ClosureKernel(context) { operands in
      func output(_ index: Int) -> UnsafeMutablePointer<Float>? {
        index < given.count && given[index] ? operands.output(index, as: Float.self) : nil
      }
      guard let y = output(0) else { return }
      run(
        operands.input(0, as: Float.self), scale: operands.input(1, as: Float.self),
        bias: hasBias ? operands.input(2, as: Float.self) : nil, into: y, means: output(1),
        inverses: output(2))
    }
  }

  /// The training kernel of inputs X, scale and an optional bias.
  func trainingKernel(_ context: FormContext) throws(KernelError) -> any TrainingKernel {
    let forward = try kernel(context.kernel)
    let wanted = [0, 1, 2].filter { context.wantsGradient($0) }
    let sumBytes = max(parameterCount, 1) * MemoryLayout<Double>.size
    return InferredTrainingKernel("normalization", forward, preferred: .rowMajor) {
      (backward) throws(KernelError) in
      guard backward.gradients.dropFirst().allSatisfy({ $0 == nil }) else {
        throw .operator(.unsupported(what: "training through the statistics"))
      }
      return Backward(
        "normalization gradient",
        operands: [.input(0, .rowMajor), .input(1, .rowMajor), .gradient(0, .rowMajor)],
        results: wanted.map { Backward.Result(input: $0, layout: .rowMajor) },
        scratchByteCounts: [sumBytes, sumBytes]
      ) { operands in
        let sums = [0, 1].map { operands.output(wanted.count + $0, as: Double.self) }
        gradients(
          operands.input(0, as: Float.self), scale: operands.input(1, as: Float.self),
          operands.input(2, as: Float.self),
          dx: wanted.first == 0 ? operands.output(0, as: Float.self) : nil,
          scaleSums: sums[0], biasSums: sums[1])
        for (place, input) in wanted.enumerated() where input > 0 {
          let result = operands.output(place, as: Float.self)
          for i in 0..<parameterCount { result[i] = Float(sums[input - 1][i]) }
        }
      }
    }
  }
}

/// An operator that is a ``RowNormalization`` of its first input, with scale and optional bias as further ones.
protocol RowNormalizing: ExecutableOperator, DifferentiableOperator {
  /// The rows that it makes of the first input.
  func rows(_ context: KernelContext) throws(KernelError) -> RowNormalization
}

extension RowNormalizing {
  package var normalizes: Bool { true }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try rows(context).kernel(context)
  }

  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try rows(context.kernel).trainingKernel(context) }
}
