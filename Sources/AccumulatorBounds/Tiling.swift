/// A sum in two stages: runs of products are each summed in a register of the layer's target width, and their sums in an
/// outer one, together with a bias that counts in the accumulator.
public struct Tiling: Sendable, Hashable {
  /// The number T of products in a tile, at least 1; the last tile of a channel may have fewer.
  public let size: Int
  /// The signed width Q, in bits, of the outer register.
  public let outerBits: Int
  /// Which products make a tile; where there are several ways, each of them must fit.
  public let orders: [ProductOrder]
  /// Which integers meet in a tile's register.
  public let operands: RegisterOperands

  /// Makes a tiling; gives `nil` unless `size` is at least 1, `outerBits` a width that sums of 64-bit weights and
  /// inputs can need (``AccumulatorAnnotation/widths``), and `orders` at least one, each once.
  public init?(
    size: Int, outerBits: Int, orders: [ProductOrder] = [.stored],
    operands: RegisterOperands = .values
  ) {
    guard size >= 1, AccumulatorAnnotation.widths.contains(outerBits), !orders.isEmpty,
      Set(orders).count == orders.count
    else { return nil }
    self.size = size
    self.outerBits = outerBits
    self.orders = orders
    self.operands = operands
  }

  /// The outer register; `nil` for one of more than 64 bits, which only other tools state.
  public var outer: AccumulatorRange? { AccumulatorRange(bits: outerBits) }
}
