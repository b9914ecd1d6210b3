import AccumulatorBounds
import TensorCore

/// The integers of one summand with their steps, as bounds of those that have a step and a place in common.
struct BiasElements {
  /// The bounds by step, for each place along the axis of the channels; one entry where every channel reads all
  /// elements.
  private var places: [[Double: ClosedRange<Int>]]
  private let name: String
  private let bits: Int
  /// Whether each place has one constant integer.
  private let isConstant: Bool

  /// Elements with one step, the same for all channels.
  init(step: Double, _ range: ClosedRange<Int>, bits: Int, name: String) {
    places = [[step: range]]
    self.name = name
    self.bits = bits
    isConstant = false
  }

  /// The elements of a constant.
  ///
  /// - Parameter axis: the axis of the constant that numbers the channels; negative or `nil` where none does.
  /// - Throws: ``Obstacle`` where its integers can't be read.
  init(_ constant: ConstantTensor, node: String, axis: Int?, channels: ChannelSteps)
    throws(Obstacle)
  {
    name = constant.name
    bits = constant.codes?.bits ?? 0
    let layout = DotProductLayout(
      constant, channelAxes: Array(constant.shape.indices), dotAxes: [])
    let reader = try WeightReader(layout, node: node)
    guard reader.sums().allSatisfy({ $0.nonFinite == 0 }) else {
      throw .unknownBias(value: constant.name)
    }
    var axis = axis ?? -1
    // Channels repeat along the axis where the weight has a batch. A constant of another size enlarges the output, so
    // that every channel meets all of it.
    if axis < 0 || constant.shape[axis] < 2 || constant.shape[axis] != channels.axisSize {
      axis = -1
    }
    let size = axis < 0 ? 1 : constant.shape[axis]
    let inner = axis < 0 ? 1 : Shape.elementCount(constant.shape[(axis + 1)...]) ?? 1
    places = [[Double: ClosedRange<Int>]](repeating: [:], count: size)
    for element in 0..<layout.channelCount {
      let integer = Int(reader.integers(ofChannel: element)[0])
      let step = Double(reader.channels[element].scale)
      let place = element / inner % size
      let old = places[place][step] ?? integer...integer
      places[place][step] = min(old.lowerBound, integer)...max(old.upperBound, integer)
    }
    isConstant = places.allSatisfy { $0.count <= 1 && $0.values.allSatisfy { $0.count == 1 } }
  }

  /// The integers added in each channel; `nil` where the steps don't fit, so that real numbers are added.
  ///
  /// - Parameter unit: a factor of each step before it is compared with the accumulator's; `nil` where the integers
  ///   are in steps of the accumulator, whatever their own step.
  /// - Throws: ``Obstacle/unknownBias(value:)`` where the steps fit in some channels only and any element may meet
  ///   any channel, or where integers exceed 64 bits.
  func sum(_ channels: ChannelSteps, unit: Double?) throws(Obstacle) -> BiasSum? {
    if places.count == 1, places[0].count * channels.count > 1 << 24 {
      throw .unknownBias(value: name)
    }
    var ranges: [ClosedRange<Int64>] = []
    var (fits, misses) = (false, false)
    for channel in 0..<channels.count {
      var (least, greatest) = (Int128.max, Int128.min)
      for (step, range) in places[channel % places.count] {
        var (low, high) = (Int128(range.lowerBound), Int128(range.upperBound))
        if (low, high) != (0, 0), let unit {
          guard let multiple = Self.multiple(step * unit, of: channels.steps[channel]) else {
            misses = true
            continue
          }
          fits = true
          (low, high) = (
            min(low * multiple, high * multiple), max(low * multiple, high * multiple)
          )
        }
        (least, greatest) = (min(least, low), max(greatest, high))
      }
      if least > greatest { (least, greatest) = (0, 0) }
      guard let least = Int64(exactly: least), let greatest = Int64(exactly: greatest) else {
        throw .unknownBias(value: name)
      }
      ranges.append(least...greatest)
    }
    if misses {
      // Elements with unknown channels may be those that fit.
      if fits, places.count == 1 { throw .unknownBias(value: name) }
      return nil
    }
    return BiasSum(name: name, bits: bits, ranges: ranges, isConstant: isConstant)
  }

  /// The number of the accumulator's steps in one step of the summand, with its sign; `nil` where that is not a whole
  /// number, up to a few roundings of single precision.
  private static func multiple(_ step: Double, of accumulator: Double) -> Int128? {
    let ratio = step / accumulator
    let whole = ratio.rounded()
    guard ratio.isFinite, whole.magnitude >= 1, abs(ratio - whole) <= abs(ratio) * tolerance
    else { return nil }
    // The clamped multiple is still far beyond any register.
    return Int128(min(max(whole, -0x1p90), 0x1p90))
  }

  /// Four roundings of single precision, relative to the ratio: at most half a step for a bias of up to 2^21 steps.
  private static let tolerance = 0x1p-22
}

/// The integers that any number of summands add in the accumulators of a layer.
struct BiasSum {
  private var names: [String] = []
  private var bits = 0
  private(set) var ranges: [ClosedRange<Int64>]
  private var isConstant = true

  /// A sum of no summands.
  init(channels: Int) { ranges = [ClosedRange<Int64>](repeating: 0...0, count: channels) }

  fileprivate init(name: String, bits: Int, ranges: [ClosedRange<Int64>], isConstant: Bool) {
    names = [name]
    self.bits = bits
    self.ranges = ranges
    self.isConstant = isConstant
  }

  /// Adds further summands. They are added in any order, so that some may be in the register before the others.
  ///
  /// - Throws: ``Obstacle/unknownBias(value:)`` where a bound exceeds 64 bits, as no register may.
  mutating func add(_ other: BiasSum) throws(Obstacle) {
    guard let name = other.names.first else { return }
    if names.isEmpty {
      self = other
      return
    }
    for (channel, b) in other.ranges.enumerated() {
      let a = ranges[channel]
      let least = min(a.lowerBound, 0).addingReportingOverflow(min(b.lowerBound, 0))
      let greatest = max(a.upperBound, 0).addingReportingOverflow(max(b.upperBound, 0))
      guard !least.overflow, !greatest.overflow else { throw .unknownBias(value: name) }
      ranges[channel] = least.partialValue...greatest.partialValue
    }
    isConstant = false
    names += other.names.filter { !names.contains($0) }
    bits = max(bits, other.bits)
  }

  /// Widens the bounds to cover another way of adding.
  mutating func widen(to other: BiasSum) {
    if other.names.isEmpty { return }
    if names.isEmpty || other.names == names && other.ranges == ranges {
      self = other
      return
    }
    ranges = zip(ranges, other.ranges).map {
      min($0.lowerBound, $1.lowerBound, 0)...max($0.upperBound, $1.upperBound, 0)
    }
    isConstant = false
    names += other.names.filter { !names.contains($0) }
    bits = max(bits, other.bits)
  }

  /// A summary of the summands; `nil` where nothing is added.
  var summary: BiasSummary? {
    guard let name = names.first else { return nil }
    return BiasSummary(
      name: name, others: Array(names.dropFirst()), bits: bits, ranges: ranges,
      isConstant: isConstant)
  }
}
