import CKernels
import DNNEngine
import Execution
import TensorCore

/// Another kernel followed by `y = max(y, 0)` on its first output, where NaN stays NaN.
///
/// oneDNN's own rectifiers behind a primitive give 0 for NaN, which would hide that a result is undefined.
final class RectifiedKernel: Kernel {
  let inputs: [InputRequest]
  let outputs: [TensorLayout]
  let overwritableInput: Int?
  private let kernel: any Kernel
  private let count: Int

  /// - Parameter output: the type of the first output, whose memory has no gaps but a padding of zeros.
  init(_ kernel: any Kernel, _ output: ConcreteType) {
    (inputs, outputs) = (kernel.inputs, kernel.outputs)
    overwritableInput = kernel.overwritableInput
    self.kernel = kernel
    guard case .engine(let descriptor)? = outputs.first else {
      count = output.count
      return
    }
    count = descriptor.denseCount ?? output.count
  }

  func forward(_ operands: Operands) throws(KernelError) {
    try kernel.forward(operands)
    nonisolated(unsafe) let y = operands.output(as: Float.self)
    Parallelism.forEachRange(count: count, grain: MemoryDescriptor.AxisNest.grain) {
      snug_rectify(y + $0.lowerBound, y + $0.lowerBound, $0.count)
    }
  }
}
