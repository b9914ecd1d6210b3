import AccumulatorBounds
import GraphIR
import Quantizers

/// A product of two activations, as in attention: no weight to constrain, so that its accumulator is what the data
/// types of its operands demand.
struct PlannedProduct: Sendable {
  var node: NodeID
  var name: String
  /// Indices of the groups that quantize its operands.
  var groups: [Int]
  /// P that the recipe asks for.
  var accumulatorBits: Int
  /// T of the recipe; `nil` for one register.
  var tileSize: Int?
  /// Q of the recipe; `nil` for the least that never overflows.
  var outerBits: Int?
  /// The products in one sum; `nil` where shapes don't tell.
  var length: Int?

  /// The same product in one register.
  var untiled: PlannedProduct {
    var result = self
    result.tileSize = nil
    return result
  }

  /// Integers that the operands' types allow, and the registers that they need.
  struct Need {
    /// The least width of the register that sums products: all of them, or those of a tile.
    var bits: Int
    /// T and Q, where there are tiles.
    var tiling: Tiling?
  }

  /// - Parameter operands: the quantizers of the two operands.
  /// - Returns: `nil` where the number of products is not known, or the sums leave 64 bits.
  func need(_ operands: [ActivationFormat]) -> Need? {
    let (a, b) = (operands[0], operands[1])
    let ends = [a.minimum, a.maximum].flatMap { x in
      [b.minimum, b.maximum].map { Int64(x * $0) }
    }
    guard let length, let least = ends.min(), let most = ends.max(),
      let product = IntegerRange(least, most)
    else { return nil }
    func bits(_ count: Int) -> Int {
      WorstCase(of: SignSums(positive: Int64(count), negative: 0), input: product).requiredBits
    }
    guard let tileSize else { return Need(bits: bits(length)) }
    return Need(
      bits: bits(min(tileSize, length)),
      tiling: Tiling(size: tileSize, outerBits: outerBits ?? bits(length)))
  }
}
