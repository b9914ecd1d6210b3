import Execution
import GraphIR
import TensorCore

/// Kernels of two tensors that broadcast, element by element in row-major order.
enum BroadcastKernels {
  /// - Precondition: the inputs have elements of types `A` and `B`, the output those of type `R`.
  static func map<A: BitwiseCopyable, B: BitwiseCopyable, R: BitwiseCopyable>(
    _ context: KernelContext, _ body: @escaping @Sendable (A, B) -> R
  ) throws(KernelError) -> any Kernel {
    let rows = BroadcastRows(
      try context.input(0).shape, try context.input(1).shape, output: try context.output().shape)
    return ClosureKernel(context) { operands in
      let (x, z) = (
        operands.input(0, as: A.self), operands.input(1, as: B.self)
      )
      let y = operands.output(as: R.self)
      Parallelism.forEachRange(
        count: rows.count, grain: max(1, elementGrain / max(rows.length, 1)), sharing: x, z, y
      ) { range, x, z, y in
        rows.forEach(range) { row, a, b in
          for i in 0..<rows.length {
            y[row * rows.length + i] = body(x[a + i * rows.stepA], z[b + i * rows.stepB])
          }
        }
      }
    }
  }
}
