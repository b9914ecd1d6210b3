import DNNEngine
import Execution
import GraphIR
import TensorCore

/// Moves blocks of channels into space: `[N, C, H, W]` to `[N, C/b^2, H*b, W*b]` (ONNX DepthToSpace,
/// opset 1, 11, 13).
///
/// With `i, j` the position in the block: in mode DCR the input channel is `(i*b + j)*C/b^2 + c`, in mode
/// CRD (PyTorch's pixel shuffle) it is `c*b^2 + i*b + j`.
package struct DepthToSpace: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("DepthToSpace", since: 1, inputs: 1...1)

  package var movement: ElementMovement? { ElementMovement(.permuted) }

  package enum Mode: String, Sendable, Hashable {
    case depthFirst = "DCR"
    case columnFirst = "CRD"
  }

  package var blockSize: Int
  package var mode: Mode

  package init(blockSize: Int, mode: Mode = .depthFirst) {
    self.blockSize = blockSize
    self.mode = mode
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let size = try attributes.int("blocksize") else {
      throw .missingAttribute(name: "blocksize")
    }
    guard (1...65536).contains(size) else {
      throw .attributeValue(name: "blocksize", value: "\(size)", allowed: "1 to 65536")
    }
    let name = try attributes.string("mode", default: Mode.depthFirst.rawValue)
    guard let mode = Mode(rawValue: name) else {
      throw .attributeValue(name: "mode", value: name, allowed: "DCR, CRD")
    }
    self.init(blockSize: size, mode: mode)
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("blocksize", .int(Int64(blockSize))), Attribute("mode", .string(mode.rawValue)),
    ]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions else { return [TensorType(type.elementType, nil)] }
    guard dimensions.count == 4 else {
      throw .rank(input: 0, expected: "4", actual: dimensions.count)
    }
    var channels = Dimension.unknown
    if let size = dimensions[1].size {
      guard size % (blockSize * blockSize) == 0 else {
        throw .mismatch(
          what: "channels", expected: "a multiple of \(blockSize * blockSize)", actual: "\(size)")
      }
      channels = .fixed(size / (blockSize * blockSize))
    }
    return [
      TensorType(
        type.elementType,
        [dimensions[0], channels, try scaled(dimensions[2]), try scaled(dimensions[3])])
    ]
  }

  private func scaled(_ dimension: Dimension) throws(OperatorError) -> Dimension {
    if blockSize == 1 { return dimension }
    guard let size = dimension.size else { return .unknown }
    let (product, overflow) = size.multipliedReportingOverflow(by: blockSize)
    guard !overflow else {
      throw .outOfRange(what: "dimension", value: size, allowed: "below 2^63 / \(blockSize)")
    }
    return .fixed(product)
  }
}

extension DepthToSpace: DifferentiableOperator {
  /// A copy that walks the output `[N, C, H, i, W, j]` in row-major order, from any layout without blocks.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    let output = try context.output()
    let (layout, strides) = Self.strided(input)
    let b = blockSize
    let (c, i, j) = channelDistances(output.shape[1], neighbour: strides[1])
    let copy = try StridedCopy(
      input.elementType,
      shape: [input.shape[0], output.shape[1], input.shape[2], b, input.shape[3], b],
      source: [strides[0], c, strides[2], i, strides[3], j])
    return ClosureKernel(inputs: [.layout(layout)], outputs: [.rowMajor]) { operands in
      copy.run(from: operands.input(0), to: operands.output())
    }
  }

  /// dX is dY moved back from space to channels: channels-last where X stands so, else row-major.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let forward = try makeKernel(context.kernel)
    let input = try context.kernel.floatInput(0)
    let output = try context.kernel.output()
    let channelsLast = try KernelError.engine(
      try MemoryDescriptor(shape: input.shape, order: [0, 2, 3, 1]))
    let isChannelsLast = Self.strided(input).layout == TensorLayout(channelsLast)
    return InferredTrainingKernel("depth to space", forward) { (context) throws(KernelError) in
      let (upstream, strides) = Self.strided(
        KernelInput(type: output, layout: context.gradients[0] ?? .rowMajor))
      let b = blockSize
      // Sizes and distances in dY of the parts of a channel of dX, outermost first.
      let c = (output.shape[1], strides[1])
      let (i, j) = ((b, strides[2]), (b, strides[3]))
      let channel = mode == .depthFirst ? [i, j, c] : [c, i, j]
      let space = [(input.shape[2], b * strides[2]), (input.shape[3], b * strides[3])]
      let axes =
        [(input.shape[0], strides[0])] + (isChannelsLast ? space + channel : channel + space)
      let copy = try StridedCopy(.float32, shape: axes.map(\.0), source: axes.map(\.1))
      let layout = isChannelsLast ? TensorLayout(channelsLast) : .rowMajor
      return Backward(
        "depth to space gradient", operands: [.gradient(0, upstream)],
        results: [Backward.Result(input: 0, layout: layout)]
      ) { operands in copy.run(from: operands.input(0), to: operands.output()) }
    }
  }

  /// A layout without blocks, row-major where the tensor's own has some, and its distances.
  private static func strided(_ input: KernelInput) -> (layout: TensorLayout, strides: [Int]) {
    if case .engine(let descriptor) = input.layout, let own = descriptor.strides {
      return (input.layout, own)
    }
    return (.rowMajor, Shape.strides(input.shape))
  }

  /// Distances in the input of neighbours in c, i and j.
  private func channelDistances(_ channels: Int, neighbour: Int) -> (c: Int, i: Int, j: Int) {
    let b = blockSize
    return mode == .depthFirst
      ? (neighbour, b * channels * neighbour, channels * neighbour)
      : (b * b * neighbour, b * neighbour, neighbour)
  }
}
