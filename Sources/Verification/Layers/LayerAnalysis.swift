import AccumulatorBounds

/// What the file says about one dot-product node, re-derived from its integers.
public struct LayerAnalysis: Sendable {
  /// The node's name.
  public let name: String
  /// Its operator type.
  public let op: String
  /// The name of its output value.
  public let output: String
  /// K, the products in one sum; `nil` where the file doesn't say.
  public internal(set) var dotLength: Int?
  public internal(set) var weight: WeightSummary?
  public internal(set) var input: InputSummary?
  /// The integers that are added in the accumulators besides the products, and count in the bounds; `nil` where
  /// there are none, as where the bias is added to real numbers.
  public internal(set) var bias: BiasSummary?
  /// One entry for each output channel; empty unless both operands are integers.
  public internal(set) var channels: [ChannelBounds] = []
  /// The least signed width that holds every partial sum of every channel.
  public internal(set) var requiredBits: Int?
  /// The width that the data types alone demand, whatever the weights.
  public internal(set) var dataTypeBits: Int?
  /// Why the layer can't be reduced to integer sums; `nil` for a quantized layer.
  public internal(set) var obstacle: Obstacle?

  /// P from the `finn_datatype` annotation of the output.
  var finnBits: Int?
  /// The integers of a quantized layer with a constant weight.
  var reader: WeightReader?

  /// Whether some sums may lack products of the channel, in padding or between strides.
  var mayMissTaps = false

  /// The bounds of what is added in a channel's accumulator besides the products.
  public func biasRange(ofChannel index: Int) -> ClosedRange<Int64> { bias?.ranges[index] ?? 0...0 }

  /// True where both operands are integers, so that exact sums exist.
  public var isQuantized: Bool { obstacle == nil }

  /// The K integers of one channel of a constant weight, zero point subtracted, in the order in which the file
  /// stores them; `nil` without a constant weight.
  public func integers(ofChannel index: Int) -> [Int64]? {
    guard channels.indices.contains(index) else { return nil }
    return reader?.integers(ofChannel: index)
  }

  init(name: String, op: String, output: String) {
    self.name = name
    self.op = op
    self.output = output
  }
}

/// A constant operand behind its quantizer.
public struct WeightSummary: Sendable, Hashable {
  /// The name of the constant in the file.
  public let name: String
  public let bits: Int
  public let signed: Bool
  public let narrow: Bool
  /// The real value of one integer step, one a channel; empty where the file gives none.
  public let scales: [Float]
  /// The share of integers that are zero.
  public let zeroFraction: Double
  public let elementCount: Int
  /// Elements of the file that are not exactly their integer times the scale, so that another rounding
  /// than the quantizer's gives other integers.
  public let inexactCount: Int
}

/// Integers that a layer adds in its accumulators besides the products.
public struct BiasSummary: Sendable, Hashable {
  /// The name of the value in the file, of the first where there are several.
  public let name: String
  /// The names of further values.
  public let others: [String]
  /// The width of their data type, the widest of several.
  public let bits: Int
  /// For each channel the bounds of what is added, in steps of the accumulator: of all elements that a channel
  /// meets, and of sums of several values in any order.
  public let ranges: [ClosedRange<Int64>]
  /// True where each channel has one constant.
  let isConstant: Bool

  /// One constant a channel; `nil` where what is added differs between elements of a channel, is computed at run time,
  /// or comes from several values.
  public var values: [Int64]? { isConstant ? ranges.map(\.lowerBound) : nil }

  /// The least signed width that holds all of them.
  public var requiredBits: Int {
    ranges.flatMap { [$0.lowerBound, $0.upperBound] }
      .map { Int64.bitWidth + 1 - ($0 < 0 ? ~$0 : $0).leadingZeroBitCount }.max() ?? 1
  }
}

/// The integers that a layer's input can hold.
public struct InputSummary: Sendable, Hashable {
  public let bits: Int
  public let signed: Bool
  /// The real value of one integer step; `nil` where the file gives none.
  public let scale: Float?
  public let zeroPoint: Int
  /// The range of what is multiplied with a weight: codes less the zero point.
  public let integerMinimum: Int
  public let integerMaximum: Int
}

/// The exact worst case of one output channel, over every input and every order of summation.
public struct ChannelBounds: Sendable, Hashable {
  /// The sum of the integers' magnitudes.
  public var l1Norm: UInt64 { sums.norm }
  /// Sum of the positive integers, and of the negative ones' magnitudes.
  public let sums: SignSums
  /// The least and the greatest partial sum.
  public let worstCase: WorstCase

  /// The least signed accumulator width that holds both.
  public var requiredBits: Int { worstCase.requiredBits }
}
