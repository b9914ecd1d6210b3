import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The shape rules that QuantizeLinear and DequantizeLinear share.
enum LinearQuantization {
  /// Checks that scale and zero point are scalars, or vectors along `axis` of X; or, with a block size, of X's
  /// shape but for one entry a block along `axis`.
  static func checkParameters(_ inputs: [InputInfo?], axis: Int, blockSize: Int)
    throws(OperatorError)
  {
    if blockSize > 0 { return try checkBlocks(inputs, axis: axis, blockSize) }
    for index in 1...2 {
      guard let parameter = inputs.dimensions(index), !parameter.isEmpty else { continue }
      guard parameter.count == 1 else {
        throw .rank(input: index, expected: "0 or 1", actual: parameter.count)
      }
      guard let length = parameter[0].size, length != 1, let x = inputs.dimensions(0) else {
        continue
      }
      let axis = try Axes.normalized(axis, rank: x.count)
      if let size = x[axis].size, size != length {
        throw .mismatch(
          what: "length of input \(index)", expected: "\(size)", actual: "\(length)")
      }
    }
  }

  private static func checkBlocks(_ inputs: [InputInfo?], axis: Int, _ blockSize: Int)
    throws(OperatorError)
  {
    guard let x = inputs.dimensions(0) else { return }
    let axis = try Axes.normalized(axis, rank: x.count)
    for index in 1...2 {
      guard let parameter = inputs.dimensions(index) else { continue }
      guard parameter.count == x.count else {
        throw .rank(input: index, expected: "\(x.count)", actual: parameter.count)
      }
      for (position, (size, length)) in zip(x, parameter).enumerated() {
        guard let size = size.size, let length = length.size else { continue }
        let expected = position == axis ? (size + blockSize - 1) / blockSize : size
        if length != expected {
          throw .mismatch(
            what: "dimension \(position) of input \(index)", expected: "\(expected)",
            actual: "\(length)")
        }
      }
    }
  }

  /// The block size of opset 21, 0 for none.
  ///
  /// - Throws: ``OperatorError/attributeValue(name:value:allowed:)`` for a negative one.
  static func blockSize(_ attributes: AttributeReader) throws(OperatorError) -> Int {
    let size = try attributes.int("block_size", default: 0)
    guard (0...Int(Int32.max)).contains(size) else {
      throw .attributeValue(name: "block_size", value: "\(size)", allowed: "0 to \(Int32.max)")
    }
    return size
  }

  static let quantized: [ElementType] = [.int8, .uint8, .int16, .uint16, .int4, .uint4]
}

extension LinearQuantization {
  /// Which entry of scale and zero point belongs to an element of row-major memory.
  struct ParameterIndex: Sendable {
    private let inner: Int
    private let size: Int
    /// Elements of the axis that share an entry, and entries along the axis.
    private let block: Int
    private let entries: Int
    /// Whether each row before the axis has entries of its own.
    private let isBlocked: Bool

    /// - Parameter parameter: scale or zero point.
    init(_ x: KernelInput, _ parameter: KernelInput, axis: Int, blockSize: Int)
      throws(KernelError)
    {
      isBlocked = blockSize > 0
      guard isBlocked || parameter.type.count != 1 else {
        (inner, size, block, entries) = (1, 1, 1, 1)
        return
      }
      let rank = x.shape.count
      let along = try KernelError.operation(try Axes.normalized(axis, rank: rank))
      inner = x.shape[(along + 1)...].reduce(1, *)
      size = x.shape[along]
      block = max(blockSize, 1)
      entries = parameter.shape[isBlocked ? along : 0]
    }

    subscript(element: Int) -> Int {
      let row = element / inner
      let entry = row % size / block
      return isBlocked ? (row / size * entries + entry) * inner + element % inner : entry
    }
  }

  /// The loops over an input, and the layout that they walk.
  struct Parameters {
    let nest: MemoryDescriptor.AxisNest
    let layout: TensorLayout

    /// Blocked layouts are walked as they stand where one scale serves all and nothing is padded: a
    /// padded place must stay zero, which is not what a quantizer with a zero point leaves there.
    init(_ x: KernelInput, scale: KernelInput, axis: Int) throws(KernelError) {
      if scale.type.count == 1, case .engine(let descriptor) = x.layout, !descriptor.hasPadding,
        let count = descriptor.denseCount
      {
        nest = .init(outer: 1, blocks: 1, inner: count, block: 1, count: 1)
        layout = x.layout
        return
      }
      layout = .rowMajor
      if scale.type.count == 1 {
        nest = .init(outer: 1, blocks: 1, inner: x.type.count, block: 1, count: 1)
      } else {
        let rank = x.shape.count
        let along = try KernelError.operation(try Axes.normalized(axis, rank: rank))
        nest = .init(
          outer: x.shape[..<along].reduce(1, *), blocks: x.shape[along],
          inner: x.shape[(along + 1)...].reduce(1, *), block: 1, count: x.shape[along])
      }
    }
  }
}

extension MemoryDescriptor.AxisNest {
  /// Calls `body` in parallel with runs of one entry each.
  ///
  /// - Precondition: `block` is 1.
  /// - Parameter shared: what is safe to use from several threads at once.
  func forEachEntry<each Shared>(
    sharing shared: repeat each Shared, do body: @Sendable (Parts, repeat each Shared) -> Void
  ) {
    precondition(block == 1, "a blocked axis has no runs of one entry")
    forEachPart(sharing: repeat each shared, do: body)
  }
}

extension TensorLayout {
  /// The same arrangement of elements of another type.
  func with(_ type: EngineElement) throws(KernelError) -> TensorLayout {
    switch self {
    case .rowMajor: .rowMajor
    case .engine(let descriptor):
      .engine(
        try KernelError.engine(try descriptor.with(type)))
    }
  }
}
