import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The kernel of a matrix product.
enum MatrixKernels {
  /// A row-major tensor seen as a stack of matrices.
  typealias Matrix = (shape: [Int], strides: [Int])

  /// - Parameters:
  ///   - a: the first input as `[..., M, K]`.
  ///   - b: the second input as `[..., K, N]`.
  ///   - bias: the shape as which the third input broadcasts to the output, `nil` for none.
  ///   - output: `[..., M, N]`.
  static func make(
    _ context: KernelContext, a: Matrix, b: Matrix, bias: [Int]?, output: [Int]
  ) throws(KernelError) -> any Kernel {
    let slope = context.epilogue.reluSlope
    let post = slope.map { $0 == 0 ? [] : [PostOperation.relu(slope: $0)] } ?? []
    let product = try KernelError.engine(
      try MatrixProduct(
        context.engine, .init(shape: a.shape, strides: a.strides),
        .init(shape: b.shape, strides: b.strides), bias: bias, output: output, post: post))
    let hasBias = bias != nil
    let kernel = ClosureKernel(context) { (operands) throws(KernelError) in
      try KernelError.engine(
        try product.run(
          left: operands.inputs[0], right: operands.inputs[1],
          bias: hasBias ? operands.inputs[2] : nil, into: operands.outputs[0]))
    }
    return slope == 0 ? RectifiedKernel(kernel, try context.output()) : kernel
  }
}
