import CKernels
import DNNEngine
import TensorCore

/// The sum of two gradients in one layout.
struct GradientSum {
  /// Elements in memory, padding included.
  let count: Int

  func run(_ operands: Operands) {
    let a = operands.input(0, as: Float.self)
    let b = operands.input(1, as: Float.self)
    let sum = operands.output(0, as: Float.self)
    Parallelism.forEachRange(
      count: count, grain: MemoryDescriptor.AxisNest.grain, sharing: a, b, sum
    ) { range, a, b, sum in
      let start = range.lowerBound
      snug_binary_row(snug_add, a + start, 1, b + start, 1, sum + start, range.count)
    }
  }
}
