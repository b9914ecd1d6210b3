import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The mean over axes (ONNX ReduceMean, opset 1, 11, 13, 18).
package struct ReduceMean: Reduction {
  package static let schema = OperatorSchema(
    "ReduceMean", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package static let function = ReductionFunction.mean
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }

  /// A copy where each mean is of one element. For floats, average pooling where exactly the spatial axes are reduced, else oneDNN's reduction in row-major
  /// order.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    let reduced = try axes.reduced(context)
    if isOfSingles(reduced, input) { return ViewKernel(context) }
    guard input.elementType == .float32, input.type.count > 0 else {
      return try makeGroupKernel(context)
    }
    if isGlobalPooling(reduced, rank: input.shape.count) {
      return try PoolingKernels.global(context)
    }
    let shape = input.shape.indices.map { reduced.contains($0) ? 1 : input.shape[$0] }
    let (primitive, x, y) = try KernelError.engine { () throws(EngineError) in
      let x = try MemoryDescriptor(rowMajor: input.shape)
      let y = try MemoryDescriptor(rowMajor: shape)
      return (
        try PrimitiveDescriptor.mean(context.engine, source: x, destination: y), x, y
      )
    }
    return try PrimitiveKernel(
      primitive, [(.source, x, .input(0)), (.destination, y, .output(0))],
      inputs: context.rowMajorInputs, outputs: [.rowMajor])
  }

  /// dX = dY / n at each of the n elements of a mean.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let input = try context.kernel.floatInput(0)
    let reduced = try axes.reduced(context.kernel)
    if isOfSingles(reduced, input) { return InferredTrainingKernel.view(kernel) }
    if isGlobalPooling(reduced, rank: input.shape.count) {
      return try PoolingTraining.global(context)
    }
    return try makeGroupTrainingKernel(context, kernel)
  }

  /// Whether each mean is of a single element.
  private func isOfSingles(_ reduced: [Int], _ input: KernelInput) -> Bool {
    reduced.allSatisfy { input.shape[$0] == 1 }
  }

  private func isGlobalPooling(_ reduced: [Int], rank: Int) -> Bool {
    axes.keepsDimensions && (3...5).contains(rank) && reduced == Array(2..<rank)
  }
}
