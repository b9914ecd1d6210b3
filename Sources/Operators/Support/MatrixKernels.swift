import DNNEngine
import GraphIR
import TensorCore

/// The kernel of a matrix product.
enum MatrixKernels {
  /// A row-major tensor seen as a stack of matrices.
  typealias Matrix = (shape: [Int], strides: [Int])

  /// - Parameters:
  ///   - a: the first input as `[..., M, K]`.
  ///   - b: the second input as `[..., K, N]`; packed once where it is constant.
  ///   - bias: the shape as which the third input broadcasts to the output, `nil` for none.
  ///   - output: `[..., M, N]`.
  static func make(
    _ context: KernelContext, a: Matrix, b: Matrix, bias: [Int]?, output: [Int]
  ) throws(KernelError) -> any Kernel {
    let isPacked = try context.input(1).constant != nil
    let post = context.epilogue.reluSlope.map { [PostOperation.relu(slope: $0)] } ?? []
    var requests = context.rowMajorInputs
    var places: [(Argument, MemoryDescriptor, PrimitiveKernel.Source)] = []
    let primitive: PrimitiveDescriptor
    do {
      let x = try MemoryDescriptor(shape: a.shape, strides: a.strides)
      let view = try MemoryDescriptor(shape: b.shape, strides: b.strides)
      let c = try bias.map { (shape) throws(EngineError) in try MemoryDescriptor(rowMajor: shape) }
      let y = try MemoryDescriptor(rowMajor: output)
      primitive = try PrimitiveDescriptor.matrixProduct(
        context.engine, source: x, weights: isPacked ? try .any(b.shape) : view, bias: c,
        destination: y, post: post)
      let w = try primitive.layout(of: .weights)
      places = [(.source, x, .input(0)), (.weights, w, .input(1)), (.destination, y, .output(0))]
      if let c { places.append((.bias, c, .input(2))) }
      if isPacked { requests[1] = .packed(target: w, view: view) }
    } catch { throw .engine(error) }
    return try PrimitiveKernel(
      primitive, places, inputs: requests,
      outputs: [TensorLayout](repeating: .rowMajor, count: context.outputs.count))
  }
}
