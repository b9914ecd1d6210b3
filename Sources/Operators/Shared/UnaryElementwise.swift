import DNNEngine
import Execution
import GraphIR
import TensorCore

/// An element-wise function of its first input: the output has that input's type.
package protocol UnaryElementwise: SerializableOperator, ExecutableOperator {
  var function: ElementwiseFunction { get }
}

extension UnaryElementwise {
  package var elementwise: ElementwiseForm? { .unary }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [inputs.type(0)]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try UnaryKernels.make(function, context)
  }
}

/// Kernels of the element-wise functions of one tensor.
enum UnaryKernels {
  /// oneDNN over memory as it stands: a layout matters only where its padding must be kept zero.
  static func make(_ function: ElementwiseFunction, _ context: KernelContext) throws(KernelError)
    -> any Kernel
  {
    let input = try context.floatInput(0)
    var descriptor = try input.descriptor()
    if let count = descriptor.denseCount, function.keepsZero || !descriptor.hasPadding {
      descriptor = try KernelError.engine(try MemoryDescriptor(rowMajor: [count]))
    }
    let primitive = try KernelError.engine(
      try PrimitiveDescriptor.elementwise(context.engine, function, descriptor))
    var requests = context.rowMajorInputs
    requests[0] = .layout(input.layout)
    return try PrimitiveKernel(
      primitive, [(.source, descriptor, .input(0)), (.destination, descriptor, .output(0))],
      inputs: requests, outputs: [input.layout], overwritableInput: 0)
  }
}
