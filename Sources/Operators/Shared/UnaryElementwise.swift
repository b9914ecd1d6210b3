import CKernels
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
    if let kernel = try passingNaN(function, input, context) { return kernel }
    var descriptor = try input.descriptor()
    if let count = descriptor.denseCount, function.keepsZero || !descriptor.hasPadding {
      descriptor = try KernelError.engine(try MemoryDescriptor(rowMajor: [count]))
    }
    let primitive = try KernelError.engine(
      try PrimitiveDescriptor.elementwise(context.engine, function, descriptor))
    return try PrimitiveKernel(
      primitive, [(.source, descriptor, .input(0)), (.destination, descriptor, .output(0))],
      inputs: context.requests(first: input.layout), outputs: [input.layout], overwritableInput: 0)
  }

  /// A rectifier and a clip, for which oneDNN gives a bound where ONNX gives NaN; `nil` for other functions.
  private static func passingNaN(
    _ function: ElementwiseFunction, _ input: KernelInput, _ context: KernelContext
  ) throws(KernelError) -> (any Kernel)? {
    let bounds: (low: Float, high: Float)?
    switch function {
    case .relu(slope: 0): bounds = nil
    case .clip(let low, let high): bounds = (low, high)
    default: return nil
    }
    let (layout, count) = input.elementwiseMemory(keepsZero: function.keepsZero)
    return ClosureKernel(
      inputs: context.requests(first: layout), outputs: [layout], overwritableInput: 0
    ) { operands in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      Parallelism.forEachRange(count: count, grain: MemoryDescriptor.AxisNest.grain) {
        let (from, to) = (x + $0.lowerBound, y + $0.lowerBound)
        if let bounds {
          snug_clip(from, to, $0.count, bounds.low, bounds.high)
        } else {
          snug_rectify(from, to, $0.count)
        }
      }
    }
  }
}
