import DNNEngine
import GraphIR
import TensorCore

/// What the kernels of Conv and ConvTranspose share.
enum ConvolutionKernels {
  /// A layer's weight as oneDNN takes it: logical `[O, I, kernel]` or `[G, O/G, I/G, kernel]`.
  struct Weight {
    /// Logical shape.
    var shape: [Int]
    /// Distances in the row-major tensor of the file.
    var strides: [Int]

    /// - Parameters:
    ///   - file: the weight's shape in the file, `[O, I/G, kernel]`, or `[I, O/G, kernel]` where transposed.
    ///   - group: G.
    init(file: [Int], group: Int, isTransposed: Bool) {
      let kernel = Array(file[2...])
      let taps = kernel.reduce(1, *)
      let inner = Shape.strides(kernel)
      let leading = file[0] / group
      var channels = [leading, file[1]]
      var distances = [file[1] * taps, taps]
      if isTransposed {
        channels.swapAt(0, 1)
        distances.swapAt(0, 1)
      }
      shape = channels + kernel
      strides = distances + inner
      if group > 1 {
        shape = [group] + shape
        strides = [leading * file[1] * taps] + strides
      }
    }
  }

  /// The operands of a layer: input, weight, optional bias and residual, output.
  struct Operands {
    var source: MemoryDescriptor
    var weight: MemoryDescriptor
    var weightView: MemoryDescriptor
    var bias: MemoryDescriptor?
    var destination: MemoryDescriptor

    /// Layouts that oneDNN may choose, but for the bias.
    init(_ context: KernelContext, _ weight: Weight, hasBias: Bool) throws(KernelError) {
      let x = try context.floatInput(0)
      let output = try context.output()
      _ = try context.floatInput(1)
      if hasBias { _ = try context.floatInput(2) }
      do {
        source = try .any(x.shape)
        self.weight = try .any(weight.shape)
        weightView = try MemoryDescriptor(shape: weight.shape, strides: weight.strides)
        bias = hasBias ? try MemoryDescriptor(rowMajor: [output.shape[1]]) : nil
        destination = try .any(output.shape)
      } catch { throw .engine(error) }
    }
  }

  /// The kernel of a chosen primitive, with the layouts that it has fixed.
  static func kernel(
    _ primitive: PrimitiveDescriptor, _ operands: Operands, _ context: KernelContext,
    hasResidual: Bool
  ) throws(KernelError) -> any Kernel {
    let (x, w, y) = try KernelError.engine { () throws(EngineError) in
      (
        try primitive.layout(of: .source), try primitive.layout(of: .weights),
        try primitive.layout(of: .destination)
      )
    }
    var places: [(Argument, MemoryDescriptor, PrimitiveKernel.Source)] = [
      (.source, x, .input(0)), (.weights, w, .input(1)), (.destination, y, .output(0)),
    ]
    var requests = context.rowMajorInputs
    requests[0] = .layout(TensorLayout(x))
    requests[1] = .packed(target: w, view: operands.weightView)
    if let bias = operands.bias { places.append((.bias, bias, .input(2))) }
    guard hasResidual else {
      return try PrimitiveKernel(primitive, places, inputs: requests, outputs: [TensorLayout(y)])
    }
    let last = context.inputs.count - 1
    requests[last] = .layout(TensorLayout(y))
    let layer = try PrimitiveKernel(
      primitive, places, inputs: requests, outputs: [TensorLayout(y)])
    let byteCount = y.byteCount
    // The layer adds to what stands in its output; where that isn't the residual already, it is copied.
    return ClosureKernel(
      inputs: requests, outputs: [TensorLayout(y)], overwritableInput: last
    ) { (operands) throws(KernelError) in
      nonisolated(unsafe) let source = UnsafeRawPointer(operands.input(last, as: UInt8.self))
      nonisolated(unsafe) let target = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
      if source != UnsafeRawPointer(target) {
        Parallelism.forEachRange(count: byteCount, grain: 1 << 17) {
          (target + $0.lowerBound).copyMemory(from: source + $0.lowerBound, byteCount: $0.count)
        }
      }
      try layer.forward(operands)
    }
  }
}
