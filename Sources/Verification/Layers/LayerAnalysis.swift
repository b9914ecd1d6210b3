import AccumulatorBounds

/// What the analysis finds about one dot-product node, derived from the integers in the file.
public struct LayerAnalysis: Sendable {
  /// The node's name.
  public let name: String
  /// The node's operator type.
  public let op: String
  /// The name of the node's output value.
  public let output: String
  /// The number K of products in one sum; `nil` where it is unknown.
  public internal(set) var dotLength: Int?
  /// The bits of the quantizer that takes the output; `nil` where there is none.
  public internal(set) var outputBits: Int?
  public internal(set) var weight: WeightSummary?
  public internal(set) var input: InputSummary?
  /// The integers that are added in the accumulators besides the products, and count in the bounds; `nil` where
  /// there are none, as where the bias is added to real numbers.
  public internal(set) var bias: BiasSummary?
  /// The bounds of each output channel; empty unless both operands are integers and one of them is constant.
  public internal(set) var channels: [ChannelBounds] = []
  /// The least signed width, in bits, that holds every partial sum of every channel.
  public internal(set) var requiredBits: Int?
  /// The width, in bits, that the data types alone demand, whatever the weights.
  public internal(set) var dataTypeBits: Int?
  /// Why the layer can't be reduced to integer sums; `nil` for a quantized layer.
  public internal(set) var obstacle: Obstacle?

  /// The accumulator width P, in bits, from the `finn_datatype` annotation of the output.
  var finnBits: Int?
  /// The integers of a quantized layer with a constant weight.
  var reader: WeightReader?

  /// The range of one product, where both operands are given at run time.
  var productRange: IntegerRange?

  /// Whether some sums may lack products of the channel, in padding or between strides.
  var mayMissTaps = false

  /// How the products of a channel lie in the kernel; `nil` without a constant weight.
  var kernel: KernelShape?

  /// The codes of the run-time operand; `nil` without a constant weight.
  var inputCodes: InputCodes?

  /// The bounds of the integers that are added in a channel's accumulator besides the products.
  public func biasRange(ofChannel index: Int) -> ClosedRange<Int64> { bias?.ranges[index] ?? 0...0 }

  /// Whether both operands are integers, so that exact sums exist.
  public var isQuantized: Bool { obstacle == nil }

  /// The integers of one channel of a constant weight, less the zero point, in the order in which the file stores
  /// them; `nil` without a constant weight.
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

/// How the products of one sum lie in the kernel of a convolution. Those of other operators lie in one position.
struct KernelShape: Sendable, Hashable {
  /// The number of input channels that a sum reads.
  var channels: Int
  /// The number of elements of the kernel.
  var positions: Int
  /// Whether a channel's weights stand with all input channels of one position before those of the next.
  var channelsAreLast: Bool
}

/// The codes of a run-time operand as it is stored, from which no zero point is subtracted.
struct InputCodes: Sendable, Hashable {
  /// Their bounds; `nil` where any code of the type may occur.
  var range: ClosedRange<Int>?
  var isSigned: Bool
  var bits: Int

  /// - Parameter includesZero: whether the code of 0 stands for what is missing, such as padding.
  init(_ grid: IntegerGrid, includingZero includesZero: Bool) {
    isSigned = grid.typeSigned
    bits = grid.bits
    guard grid.hasOneZeroPoint else { return }
    let (low, high) = (grid.minimum + grid.zeroPoint, grid.maximum + grid.zeroPoint)
    range =
      includesZero ? min(low, grid.zeroPoint)...max(high, grid.zeroPoint) : low...high
  }
}

/// A quantized constant operand.
public struct WeightSummary: Sendable, Hashable {
  /// The name of the constant in the file.
  public let name: String
  public let bits: Int
  public let signed: Bool
  public let narrow: Bool
  /// The real value of one integer step in each channel; empty where the file gives none.
  public let scales: [Float]
  /// The fraction of the integers that are zero.
  public let zeroFraction: Double
  public let elementCount: Int
  /// The number of elements in the file that are not exactly their integer times the scale, so that another rounding
  /// than the quantizer's gives other integers.
  public let inexactCount: Int
}

/// The integers that a layer adds in its accumulators besides the products.
public struct BiasSummary: Sendable, Hashable {
  /// The name of the value in the file, or of the first where there are several.
  public let name: String
  /// The names of further values.
  public let others: [String]
  /// The width in bits of the values' data type, the widest of several.
  public let bits: Int
  /// For each channel the bounds of what is added, in steps of the accumulator. They cover all elements that the
  /// channel meets, and sums of several values in any order.
  public let ranges: [ClosedRange<Int64>]
  /// Whether each channel has one constant.
  let isConstant: Bool

  /// The constant of each channel; `nil` where what is added differs between elements of a channel, is computed at
  /// run time, or comes from several values.
  public var values: [Int64]? { isConstant ? ranges.map(\.lowerBound) : nil }

  /// The least signed width, in bits, that holds all of the bounds.
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
  /// The least integer that is multiplied with a weight: a code less the zero point.
  public let integerMinimum: Int
  /// The greatest integer that is multiplied with a weight.
  public let integerMaximum: Int
}

/// The exact worst case of one output channel, over every input and every order of summation.
public struct ChannelBounds: Sendable, Hashable {
  /// The sum of the integers' magnitudes.
  public var l1Norm: UInt64 { sums.norm }
  /// The sum of the positive integers, and that of the negative ones' magnitudes.
  public let sums: SignSums
  /// The least and the greatest partial sum.
  public let worstCase: WorstCase

  /// The least signed accumulator width, in bits, that holds both extremes.
  public var requiredBits: Int { worstCase.requiredBits }
}
