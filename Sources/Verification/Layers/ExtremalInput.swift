import AccumulatorBounds

/// An input that drives an accumulator as far as any input can.
public struct ExtremalInput: Sendable, Hashable {
  /// The output channel.
  public let channel: Int
  /// The integers that meet the channel's weights, within the input's range and in the order of the weight's dot
  /// axes.
  public let input: [Int64]
  /// The indices of the products to add for the extreme; all others are added later.
  public let products: [Int]
  /// The part of the bias that is added with them.
  public let bias: Int64
  /// The sum that the accumulator then holds.
  public let sum: Int128
}

extension LayerAnalysis {
  /// The inputs that reach the least and the greatest partial sum of the channel that needs the widest accumulator;
  /// none for a layer without constant integers.
  public var extremes: [ExtremalInput] {
    let widest = channels.indices.max { a, b in
      (channels[a].worstCase.reach, b) < (channels[b].worstCase.reach, a)
    }
    guard let channel = widest, let weights = integers(ofChannel: channel), let range = inputRange
    else { return [] }
    let bounds = biasRange(ofChannel: channel)
    return [false, true].map { rises in
      var products: [Int] = []
      var sum = Int128(rises ? max(bounds.upperBound, 0) : min(bounds.lowerBound, 0))
      let bias = Int64(sum)
      let input = weights.map { ($0 > 0) == rises ? range.maximum : range.minimum }
      for (index, weight) in weights.enumerated() {
        let product = Int128(weight) * Int128(input[index])
        if product != 0, (product > 0) == rises {
          products.append(index)
          sum += product
        }
      }
      return ExtremalInput(
        channel: channel, input: input, products: products, bias: bias, sum: sum)
    }
  }
}
