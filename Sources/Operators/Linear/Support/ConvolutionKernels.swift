import DNNEngine
import Execution
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

  /// Parts of a batch at most, where it is computed in parts.
  static let partLimit = 32

  /// The kernel of the primitive that `make` gives for the operands, with the layouts that it has fixed.
  static func kernel(
    _ operands: Operands, _ context: KernelContext, hasResidual: Bool,
    make: (Operands) throws(EngineError) -> PrimitiveDescriptor
  ) throws(KernelError) -> any Kernel {
    let primitive = try KernelError.engine(try make(operands))
    let (x, w, y) = try KernelError.engine(
      (
        try primitive.layout(of: .source), try primitive.layout(of: .weights),
        try primitive.layout(of: .destination)
      ))
    var places: [(Argument, MemoryDescriptor, PrimitiveKernel.Source)] = [
      (.source, x, .input(0)), (.weights, w, .input(1)), (.destination, y, .output(0)),
    ]
    var requests = context.rowMajorInputs
    requests[0] = .layout(TensorLayout(x))
    requests[1] = .packed(target: w, view: operands.weightView)
    if let bias = operands.bias { places.append((.bias, bias, .input(2))) }
    func layer() throws(KernelError) -> any Kernel {
      if context.isReproducible, primitive.mayCutSums {
        return try parts(operands, x: x, w: w, y: y, requests, make: make)
      }
      return try PrimitiveKernel(primitive, places, inputs: requests, outputs: [TensorLayout(y)])
    }
    guard hasResidual else { return try layer() }
    let last = context.inputs.count - 1
    requests[last] = .layout(TensorLayout(y))
    let product = try layer()
    let byteCount = y.byteCount
    // The layer adds to what stands in its output; where that isn't the residual already, it is copied.
    return ClosureKernel(
      inputs: requests, outputs: [TensorLayout(y)], overwritableInput: last
    ) { (operands) throws(KernelError) in
      let source = UnsafeRawPointer(operands.input(last, as: UInt8.self))
      let target = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
      if source != UnsafeRawPointer(target) {
        Parallelism.forEachRange(count: byteCount, grain: 1 << 17, sharing: source, target) {
          range, source, target in
          (target + range.lowerBound).copyMemory(
            from: source + range.lowerBound, byteCount: range.count)
        }
      }
      try product.forward(operands)
    }
  }

  /// The same by parts of the batch, in the layouts of the whole.
  private static func parts(
    _ operands: Operands, x: MemoryDescriptor, w: MemoryDescriptor, y: MemoryDescriptor,
    _ requests: [InputRequest], make: (Operands) throws(EngineError) -> PrimitiveDescriptor
  ) throws(KernelError) -> any Kernel {
    var places: [BatchParts.Operand] = [
      (.source, x, .samples), (.weights, w, .shared), (.destination, y, .samples),
    ]
    if let bias = operands.bias { places.append((.bias, bias, .shared)) }
    let hasBias = operands.bias != nil
    let parts = try KernelError.engine(
      try BatchParts(samples: x.shape[0], count: partLimit, places) {
        (layouts) throws(EngineError) in
        var part = operands
        (part.source, part.weight, part.destination) = (layouts[0], layouts[1], layouts[2])
        return try make(part)
      })
    return ClosureKernel(inputs: requests, outputs: [TensorLayout(y)]) {
      (operands) throws(KernelError) in
      try KernelError.engine(
        try parts.run(
          [operands.inputs[0], operands.inputs[1], operands.outputs[0]]
            + (hasBias ? [operands.inputs[2]] : [])))
    }
  }
}
