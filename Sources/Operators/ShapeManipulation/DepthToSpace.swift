import GraphIR
import TensorCore

/// Moves blocks of channels into space: `[N, C, H, W]` to `[N, C/b^2, H*b, W*b]` (ONNX DepthToSpace,
/// opset 1, 11, 13).
///
/// With `i, j` the position in the block: in mode DCR the input channel is `(i*b + j)*C/b^2 + c`, in mode
/// CRD (PyTorch's pixel shuffle) it is `c*b^2 + i*b + j`.
public struct DepthToSpace: ExecutableOperator {
  public static let schema = OperatorSchema("DepthToSpace", since: 1, inputs: 1...1)

  public enum Mode: String, Sendable, Hashable {
    case depthFirst = "DCR"
    case columnFirst = "CRD"
  }

  public var blockSize: Int
  public var mode: Mode

  public init(blockSize: Int, mode: Mode = .depthFirst) {
    self.blockSize = blockSize
    self.mode = mode
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
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

  public func attributes() -> [Attribute] {
    [
      Attribute("blocksize", .int(Int64(blockSize))), Attribute("mode", .string(mode.rawValue)),
    ]
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
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

extension DepthToSpace {
  /// A copy that walks the output `[N, C, H, i, W, j]` in row-major order, from any layout without blocks.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    let output = try context.output()
    var layout = TensorLayout.rowMajor
    var strides = Shape.strides(input.shape)
    if case .engine(let descriptor) = input.layout, let own = descriptor.strides {
      (layout, strides) = (input.layout, own)
    }
    let b = blockSize
    let channel = strides[1]
    let channels = output.shape[1]
    // Distance in the input of neighbours in c, i and j.
    let (c, i, j) =
      mode == .depthFirst
      ? (channel, b * channels * channel, channels * channel)
      : (b * b * channel, b * channel, channel)
    let copy = try StridedCopy(
      input.elementType,
      shape: [input.shape[0], channels, input.shape[2], b, input.shape[3], b],
      source: [strides[0], c, strides[2], i, strides[3], j])
    return ClosureKernel(inputs: [.layout(layout)], outputs: [.rowMajor]) { operands in
      copy.run(from: operands.input(0), to: operands.output())
    }
  }
}
