import DNNEngine
import Execution
import TensorCore

/// The training kernels of the element-wise functions of one tensor: `dX = dY f'(X)`.
enum UnaryGradients {
  /// oneDNN over memory as it stands, forward and backward.
  static func make(
    _ function: ElementwiseFunction, _ forward: any Kernel, _ context: FormContext
  ) throws(KernelError) -> any TrainingKernel {
    var input = try context.kernel.floatInput(0)
    var isPadded = false
    if case .engine(let descriptor) = input.layout { isPadded = descriptor.hasPadding }
    // A slope at the zeros of the padding may be infinite.
    if isPadded, function == .squareRoot || function == .logarithm { input.layout = .rowMajor }
    let layout = input.layout
    let preferred = forward.outputs[0]
    let found = try input.descriptor()
    return InferredTrainingKernel("element-wise", forward, preferred: preferred) {
      [found] (_) throws(KernelError) in
      let primitive = try KernelError.engine { () throws(EngineError) in
        var descriptor = found
        if let count = descriptor.denseCount, count > 0 {
          descriptor = try MemoryDescriptor(rowMajor: [count])
        }
        return try Primitive(
          PrimitiveDescriptor.elementwiseGradient(context.engine, function, descriptor),
          [
            (.source, descriptor), (.destinationGradient, descriptor),
            (.sourceGradient, descriptor),
          ])
      }
      return Backward(
        "element-wise gradient", operands: [.input(0, .layout(layout)), .gradient(0, layout)],
        results: [Backward.Result(input: 0, layout: layout)]
      ) { (operands) throws(KernelError) in
        try KernelError.engine { () throws(EngineError) in
          try primitive.point(0, at: operands.inputs[0])
          try primitive.point(1, at: operands.inputs[1])
          try primitive.point(2, at: operands.outputs[0])
          try primitive.run()
        }
      }
    }
  }
}

extension UnaryElementwise {
  /// `dX = dY f'(X)`.
  func makeUnaryTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try UnaryGradients.make(function, try makeKernel(context.kernel), context) }
}
