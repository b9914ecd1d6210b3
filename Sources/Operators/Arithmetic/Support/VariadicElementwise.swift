import Execution
import GraphIR
import TensorCore

/// An element-wise function of one tensor or more, all of one type, with multidirectional broadcasting.
package protocol VariadicElementwise: SerializableOperator, ExecutableOperator,
  DifferentiableOperator
{
  static var joining: Joining { get }
  init()
}

/// How the elements of several tensors are joined, one after the other.
package enum Joining: Sendable, Hashable {
  case minimum, maximum, sum, mean

  func joined<T: Number>(_ a: T, _ b: T) -> T {
    switch self {
    case .minimum: T.lesser(a, b)
    case .maximum: T.greater(a, b)
    case .sum, .mean: T.sum(a, b)
    }
  }
}

extension VariadicElementwise {
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0)?.elementType else { return [nil] }
    var dimensions: [Dimension] = []
    for index in inputs.indices {
      guard let next = inputs.dimensions(index) else { return [TensorType(type, nil)] }
      dimensions = try Dimensions.broadcast(dimensions, next)
    }
    return [TensorType(type, dimensions)]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.requireOneType()
    if try context.input(0).elementType == .float32 { return try kernel(Float.self, context) }
    return try kernel(try context.number(0), context)
  }

  private func kernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    let output = try context.output()
    let operands = try Self.rows(context)
    let count = output.count
    let joining = Self.joining
    return ClosureKernel(context) { memory in
      let y = memory.output(as: T.self)
      for (index, rows) in operands.enumerated() {
        let x = memory.input(index, as: T.self)
        Parallelism.forEachRange(
          count: rows.count, grain: max(1, elementGrain / max(rows.length, 1)), sharing: y, x
        ) { range, y, x in
          rows.forEach(range) { row, from, _ in
            let target = y + row * rows.length
            for i in 0..<rows.length {
              let value = x[from + i * rows.stepA]
              target[i] = index == 0 ? value : joining.joined(target[i], value)
            }
          }
        }
      }
      guard joining == .mean else { return }
      let factor = 1 / Double(operands.count)
      for i in 0..<count { y[i] = T(converting: y[i].real * factor) }
    }
  }

  /// How each input is walked along the output.
  private static func rows(_ context: KernelContext) throws(KernelError) -> [BroadcastRows] {
    let shape = try context.output().shape
    return try context.inputs.indices.map { (index) throws(KernelError) in
      BroadcastRows(try context.input(index).shape, shape, output: shape)
    }
  }

  /// Sums pass dY on, a mean of n its n-th part, minimum and maximum to the first input that they equal; all
  /// summed over the axes along which an input was repeated.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let forward = try makeKernel(context.kernel)
    let rows = try Self.rows(context.kernel)
    let counts = try rows.indices.map { (index) throws(KernelError) in
      try context.kernel.floatInput(index).type.count
    }
    let outputCount = try context.kernel.output().count
    let wanted = rows.indices.filter { context.wantsGradient($0) }
    let selects = Self.joining == .minimum || Self.joining == .maximum
    let factor = Self.joining == .mean ? 1 / Double(rows.count) : 1
    return InferredTrainingKernel("element-wise", forward, preferred: .rowMajor) { _ in
      Backward(
        "element-wise gradient",
        operands: rows.indices.map { .input($0, .rowMajor) } + [
          .output(0), .gradient(0, .rowMajor),
        ],
        results: wanted.map { Backward.Result(input: $0, layout: .rowMajor) },
        scratchByteCounts: [
          max(counts.max() ?? 0, 1) * MemoryLayout<Double>.size, max(outputCount, 1),
        ]
      ) { operands in
        let y = operands.input(rows.count, as: Float.self)
        let dy = operands.input(rows.count + 1, as: Float.self)
        let sums = operands.output(wanted.count, as: Double.self)
        // Where an earlier input has got the gradient.
        let taken = operands.output(wanted.count + 1, as: Bool.self)
        taken.update(repeating: false, count: outputCount)
        for (index, rows) in rows.enumerated() {
          let x = operands.input(index, as: Float.self)
          sums.update(repeating: 0, count: counts[index])
          rows.forEach(0..<rows.count) { row, from, _ in
            for i in 0..<rows.length {
              let (source, place) = (from + i * rows.stepA, row * rows.length + i)
              if selects {
                guard !taken[place], x[source] == y[place] else { continue }
                taken[place] = true
              }
              sums[source] += Double(dy[place]) * factor
            }
          }
          guard let result = wanted.firstIndex(of: index) else { continue }
          let dx = operands.output(result, as: Float.self)
          for i in 0..<counts[index] { dx[i] = Float(sums[i]) }
        }
      }
    }
  }
}
