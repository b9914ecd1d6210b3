import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// GatherBlockQuantized(codes, indices, scales, zero points): Gather from a table of `(code - zero) scale`, in which each
  /// run of `block_size` elements along `quantize_axis` has its scale and zero point.
  ///
  /// The table must be constant.
  static func blockQuantizedGather(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    guard let table = try BlockTable(rewrite, attributes, graph) else { return false }
    graph.remove(rewrite.node.id)
    let data = graph.addConstant(name: rewrite.node.name + "_table", table.tensor())
    let gather = Gather(axis: table.gatherAxis)
    guard table.elementType != .float32 else {
      rewrite.finish(gather, [data, rewrite.input(1)], to: &graph)
      return true
    }
    let rows = rewrite.add(gather, "rows", [data, rewrite.input(1)], to: &graph)
    rewrite.finish(Cast(to: table.elementType), [rows], to: &graph)
    return true
  }

  /// The constant table of a GatherBlockQuantized.
  private struct BlockTable {
    let gatherAxis: Int
    /// Of the result.
    let elementType: ElementType
    private let shape: [Int]
    /// Elements from one index of the quantized axis to the next.
    private let stride: Int
    /// The quantized axis' size, and its blocks.
    private let (size, blocks): (Int, Int)
    private let block: Int
    private let codes: Codes
    private let scales: [Float]
    private let zeros: Codes?
    private let defaultZero: Int

    /// Integers, of which a byte may hold several along the last axis, the low bits first.
    private struct Codes: Sendable {
      let bits: Int
      let tensor: Tensor
      let isSigned: Bool
      /// Elements of a row along the last axis, whose bytes begin anew; 0 where all are packed on.
      let row: Int

      init?(_ tensor: Tensor, bits: Int) {
        switch tensor.elementType {
        case .int4, .uint4:
          (self.bits, isSigned, row) = (4, tensor.elementType == .int4, 0)
        case .uint8:
          (self.bits, isSigned) = (bits, false)
          row = (tensor.shape.last ?? 1) * (8 / bits)
        default: return nil
        }
        self.tensor = tensor
      }

      /// The shape of what the tensor holds.
      var shape: [Int] { row == 0 ? tensor.shape : tensor.shape.dropLast() + [row] }

      func elements() -> [Int] {
        let (perByte, mask) = (8 / bits, (1 << bits) - 1)
        return tensor.storage.withBytes { bytes in
          (0..<shape.reduce(1, *)).map { index in
            let code = Int(bytes[index / perByte]) >> (index % perByte * bits) & mask
            return isSigned && code > mask / 2 ? code - mask - 1 : code
          }
        }
      }
    }

    /// `nil` where an operand isn't constant, or in a form that isn't known.
    ///
    /// - Throws: ``OperatorError`` where sizes contradict each other.
    init?(_ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: Graph)
      throws(OperatorError)
    {
      func constant(_ position: Int) -> Tensor? {
        rewrite.input(position).flatMap { graph[$0].constant }
      }
      let bits = try attributes.int("bits", default: 4)
      block = try attributes.int("block_size", default: 128)
      guard [2, 4, 8].contains(bits), block >= 16, block.nonzeroBitCount == 1,
        let data = constant(0), let codes = Codes(data, bits: bits), let scales = constant(2),
        let factors = scales.convertedToFloat()?.elements(of: Float.self)
      else { return nil }
      self.codes = codes
      self.scales = factors
      elementType = scales.elementType
      shape = codes.shape
      let axis = try Axes.normalized(
        try attributes.int("quantize_axis", default: 1), rank: shape.count)
      gatherAxis = try Axes.normalized(
        try attributes.int("gather_axis", default: 0), rank: shape.count)
      size = shape[axis]
      blocks = (size + block - 1) / block
      stride = shape[(axis + 1)...].reduce(1, *)
      var expected = shape
      expected[axis] = blocks
      guard scales.shape == expected else {
        throw .mismatch(what: "shape of scales", expected: "\(expected)", actual: "\(scales.shape)")
      }
      defaultZero = data.elementType == .uint8 ? 1 << (bits - 1) : 0
      guard rewrite.input(3) != nil else {
        zeros = nil
        return
      }
      guard let given = constant(3), given.elementType == data.elementType,
        let zeros = Codes(given, bits: bits)
      else { return nil }
      guard zeros.shape.dropLast() == expected.dropLast(),
        let last = zeros.shape.last, last >= (expected.last ?? 1)
      else {
        throw .mismatch(
          what: "shape of zero points", expected: "\(expected)", actual: "\(zeros.shape)")
      }
      self.zeros = zeros
    }

    /// What the codes stand for, which fills when it is read.
    func tensor() -> Tensor {
      .renewable(shape: shape, of: Float.self) { [self] elements in
        let codes = codes.elements()
        let zeros = zeros?.elements()
        let zeroRow = self.zeros?.shape.last ?? 1
        let scaleRow = stride == 1 ? blocks : (shape.last ?? 1)
        for index in codes.indices {
          let (outer, rest) = index.quotientAndRemainder(dividingBy: size * stride)
          let entry = (outer * blocks + rest / stride / block) * stride + rest % stride
          // Rows of zero points may have elements beyond those that a byte's worth holds.
          let zero = zeros.map { $0[entry / scaleRow * zeroRow + entry % scaleRow] } ?? defaultZero
          elements[index] = Float(codes[index] - zero) * scales[entry]
        }
      }
    }
  }
}
