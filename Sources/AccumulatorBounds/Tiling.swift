/// A sum in two stages: runs of consecutive products, in the order in which the weight tensor holds a channel's weights,
/// are each summed in a register of the layer's target width, and their sums in an outer one, together with a bias that
/// counts in the accumulator.
public struct Tiling: Sendable, Hashable {
  /// The number T of products in a tile, at least 1; the last tile of a channel may have fewer.
  public let size: Int
  /// The signed width Q, in bits, of the outer register.
  public let outerBits: Int

  /// Makes a tiling; gives `nil` unless `size` is at least 1, and `outerBits` a width that sums of 64-bit weights and
  /// inputs can need (``AccumulatorAnnotation/widths``).
  public init?(size: Int, outerBits: Int) {
    guard size >= 1, AccumulatorAnnotation.widths.contains(outerBits) else { return nil }
    self.size = size
    self.outerBits = outerBits
  }

  /// The outer register; `nil` for one of more than 64 bits, which only other tools state.
  public var outer: AccumulatorRange? { AccumulatorRange(bits: outerBits) }
}
