import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// MatMulNBits(a, codes, scales, zero points, -, bias): a product with `(code - zero) scale`, K x N, of whose columns
  /// each run of `block_size` elements has its scale and zero point; then the bias.
  ///
  /// The weight must be constant, and its elements in the order in which they stand. Products are of single precision
  /// whatever the precision of the rest is.
  static func blockQuantizedMatMul(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    guard let weight = try BlockWeight(rewrite, attributes, graph) else { return false }
    graph.remove(rewrite.node.id)
    let matrix = graph.addConstant(name: rewrite.node.name + "_weight", weight.tensor())
    let isSingle = rewrite.elementType == .float32
    let x =
      isSingle
      ? rewrite.input(0)
      : rewrite.add(Cast(to: .float32), "single", [rewrite.input(0)], to: &graph)
    var last: (op: any Operator, inputs: [ValueID?]) = (MatMul(), [x, matrix])
    if !isSingle {
      let product = rewrite.add(last.op, "product", last.inputs, to: &graph)
      last = (Cast(to: rewrite.elementType), [product])
    }
    if let bias = rewrite.input(5) {
      let product = rewrite.add(last.op, "unbiased", last.inputs, to: &graph)
      last = (Add(), [product, bias])
    }
    rewrite.finish(last.op, last.inputs, to: &graph)
    return true
  }

  /// The constant weight of a MatMulNBits.
  private struct BlockWeight {
    /// The largest K, N and block size.
    private static let largestSize = 1 << 24

    private let (rows, columns): (Int, Int)
    private let bits: Int
    private let block: Int
    private let codes: Tensor
    private let scales: [Float]
    /// One for each scale.
    private let zeros: [Float]

    /// `nil` where an operand isn't constant, or a permutation of its elements is given.
    ///
    /// - Throws: ``OperatorError`` where sizes contradict each other.
    init?(_ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: Graph)
      throws(OperatorError)
    {
      func constant(_ position: Int) -> Tensor? {
        rewrite.input(position).flatMap { graph[$0].constant }
      }
      guard rewrite.input(4) == nil, let codes = constant(1), codes.elementType == .uint8,
        let scales = constant(2)?.convertedToFloat()?.elements(of: Float.self)
      else { return nil }
      guard let rows = try attributes.int("K"), let columns = try attributes.int("N"),
        let block = try attributes.int("block_size")
      else { throw .missingAttribute(name: "K, N or block_size") }
      let bits = try attributes.int("bits", default: 4)
      guard [2, 4, 8].contains(bits), block >= 16, block.nonzeroBitCount == 1,
        [rows, columns, block].allSatisfy((1...Self.largestSize).contains)
      else { return nil }
      let blocks = (rows + block - 1) / block
      guard codes.count == columns * blocks * (block * bits / 8), scales.count == columns * blocks
      else {
        throw .mismatch(
          what: "elements of weight and scales",
          expected: "\(columns * blocks * (block * bits / 8)) and \(columns * blocks)",
          actual: "\(codes.count) and \(scales.count)")
      }
      (self.rows, self.columns, self.bits, self.block) = (rows, columns, bits, block)
      (self.codes, self.scales) = (codes, scales)
      guard rewrite.input(3) != nil else {
        zeros = [Float](repeating: Float(1 << (bits - 1)), count: scales.count)
        return
      }
      guard let given = constant(3) else { return nil }
      guard given.elementType == .uint8 else {
        guard let zeros = given.convertedToFloat()?.elements(of: Float.self) else { return nil }
        self.zeros = zeros
        guard zeros.count == scales.count else {
          throw .mismatch(
            what: "zero points", expected: "\(scales.count)", actual: "\(zeros.count)")
        }
        return
      }
      // Packed like the codes, with each column's beginning at a byte.
      let width = (blocks * bits + 7) / 8
      let bytes = given.elements(of: UInt8.self)
      guard bytes.count == columns * width else {
        throw .mismatch(
          what: "bytes of zero points", expected: "\(columns * width)", actual: "\(bytes.count)")
      }
      let mask = UInt8((1 << bits) - 1)
      zeros = (0..<columns * blocks).map { place in
        let (column, entry) = place.quotientAndRemainder(dividingBy: blocks)
        let bit = entry * bits
        return Float(bytes[column * width + bit / 8] >> UInt8(bit % 8) & mask)
      }
    }

    /// The weight, K x N, which fills when it is read.
    func tensor() -> Tensor {
      .renewable(shape: [rows, columns], of: Float.self) { [self] elements in
        let blocks = (rows + block - 1) / block
        let bytesOfColumn = blocks * block * bits / 8
        let mask = UInt8(truncatingIfNeeded: (1 << bits) - 1)
        codes.withElements(of: UInt8.self) { bytes in
          for column in 0..<columns {
            for row in 0..<rows {
              let bit = row * bits
              let byte = bytes[column * bytesOfColumn + bit / 8]
              let code = Float(byte >> UInt8(bit % 8) & mask)
              let entry = column * blocks + row / block
              elements[row * columns + column] = (code - zeros[entry]) * scales[entry]
            }
          }
        }
      }
    }
  }
}
