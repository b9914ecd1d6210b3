import DNNEngine
import GraphIR
import TensorCore

/// The shape rules that QuantizeLinear and DequantizeLinear share.
enum LinearQuantization {
  /// Checks that scale and zero point are scalars, or vectors along `axis` of X.
  static func checkParameters(_ inputs: [InputInfo?], axis: Int) throws(OperatorError) {
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

  /// - Throws: ``OperatorError/unsupported`` for the blocked form of opset 21.
  static func checkBlockSize(_ attributes: AttributeReader) throws(OperatorError) {
    if try attributes.int("block_size", default: 0) != 0 {
      throw .unsupported(what: "blocked quantization (block_size)")
    }
  }

  static let quantized: [ElementType] = [.int8, .uint8, .int16, .uint16, .int4, .uint4]
}

extension LinearQuantization {
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
        let along = try KernelError.operation { () throws(OperatorError) in
          try Axes.normalized(axis, rank: rank)
        }
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
  func forEachEntry(_ body: @Sendable (_ offset: Int, _ count: Int, _ entry: Int) -> Void) {
    precondition(block == 1, "a blocked axis has no runs of one entry")
    forEachPart(body)
  }
}

extension TensorLayout {
  /// The same arrangement of elements of another type.
  func with(_ type: EngineElement) throws(KernelError) -> TensorLayout {
    switch self {
    case .rowMajor: .rowMajor
    case .engine(let descriptor):
      .engine(
        try KernelError.engine { () throws(EngineError) in try descriptor.with(type) })
    }
  }
}
