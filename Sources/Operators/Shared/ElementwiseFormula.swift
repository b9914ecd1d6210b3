import DNNEngine
import Execution
import GraphIR
import TensorCore

/// An element-wise function of one tensor of floats that is given by its formula.
package protocol ElementwiseFormula: SerializableOperator, ExecutableOperator,
  DifferentiableOperator
{
  /// f(x).
  func value(_ x: Double) -> Double
  /// f'(x); at a kink the slope of either side.
  func slope(_ x: Double) -> Double
  /// oneDNN's name of the function, where it has one that agrees for every float.
  var function: ElementwiseFunction? { get }
}

extension ElementwiseFormula {
  package var elementwise: ElementwiseForm? { .unary }

  package var function: ElementwiseFunction? { nil }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [inputs.type(0)]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try makeFloatKernel(context)
  }

  /// Single precision by oneDNN where it has the function, otherwise the formula in row-major order.
  func makeFloatKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    if try context.input(0).elementType == .float64 {
      return try map(Double.self, Double.self, context) { value($0) }
    }
    _ = try context.floatInput(0)
    if let function { return try UnaryKernels.make(function, context) }
    return try map(Float.self, Float.self, context) { Float(value(Double($0))) }
  }

  /// `dX = dY f'(X)`.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let forward = try makeKernel(context.kernel)
    if let function { return try UnaryGradients.make(function, forward, context) }
    let count = try context.kernel.floatInput(0).type.count
    return InferredTrainingKernel("element-wise", forward, preferred: .rowMajor) { _ in
      Backward(
        "element-wise gradient", operands: [.input(0, .rowMajor), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let (x, dy) = (
          operands.input(0, as: Float.self), operands.input(1, as: Float.self)
        )
        let dx = operands.output(as: Float.self)
        Parallelism.forEachRange(count: count, grain: elementGrain, sharing: x, dy, dx) {
          range, x, dy, dx in
          for i in range { dx[i] = dy[i] * Float(slope(Double(x[i]))) }
        }
      }
    }
  }
}

/// Elements of an element-wise function that are worth a thread of their own.
let elementGrain = 4096

extension Operator {
  /// A kernel that applies `body` to each element in row-major order.
  ///
  /// - Precondition: the first input has elements of type `X`, the output those of type `Y`.
  func map<X: BitwiseCopyable, Y: BitwiseCopyable>(
    _ x: X.Type, _ y: Y.Type, _ context: KernelContext, _ body: @escaping @Sendable (X) -> Y
  ) throws(KernelError) -> any Kernel {
    let count = try context.input(0).type.count
    return ClosureKernel(context, overwritableInput: X.self == Y.self ? 0 : nil) { operands in
      let x = operands.input(0, as: X.self)
      let y = operands.output(as: Y.self)
      Parallelism.forEachRange(count: count, grain: elementGrain, sharing: x, y) { range, x, y in
        for i in range { y[i] = body(x[i]) }
      }
    }
  }
}
