import TensorCore

/// Elements whose integers lie within 2^22 of zero, read without branches so that loops vectorize.
protocol NarrowElements: Sendable {
  /// The integer at a position; `inexact` is 1 for an element that is not its integer times the scale, `nonFinite`
  /// for one that is not finite, and both are 0 otherwise.
  func element(_ index: Int, _ channel: NarrowChannel) -> (
    integer: Int32, inexact: Int32, nonFinite: Int32
  )
}

/// The constants of one channel in the vectorized loops.
struct NarrowChannel {
  var scale: Float
  var lower: Float
  var upper: Float
  var zeroPoint: Int32
}

/// Single-precision numbers that are rounded to the nearest integer, ties to even.
struct NearestFloats: NarrowElements {
  nonisolated(unsafe) let base: UnsafeRawPointer

  @inline(__always)
  func element(_ index: Int, _ channel: NarrowChannel) -> (
    integer: Int32, inexact: Int32, nonFinite: Int32
  ) {
    let value = base.loadUnaligned(fromByteOffset: index &* 4, as: Float.self)
    var quotient = value / channel.scale
    quotient = quotient > channel.upper ? channel.upper : quotient
    quotient = quotient < channel.lower ? channel.lower : quotient
    // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits of the significand.
    let shifted = quotient + 0x1.8p23
    let integer = Int32(bitPattern: shifted.bitPattern) &- 0x4B40_0000
    let restored = (shifted - 0x1.8p23) * channel.scale
    return (
      integer, restored == value ? 0 : 1, value.bitPattern & 0x7F80_0000 == 0x7F80_0000 ? 1 : 0
    )
  }
}

/// Integers of 8 or 16 bits, less the zero point.
struct Integers<Element: FixedWidthInteger & BitwiseCopyable & Sendable>: NarrowElements {
  nonisolated(unsafe) let base: UnsafeRawPointer

  @inline(__always)
  func element(_ index: Int, _ channel: NarrowChannel) -> (
    integer: Int32, inexact: Int32, nonFinite: Int32
  ) {
    let code = base.loadUnaligned(
      fromByteOffset: index &* MemoryLayout<Element>.stride, as: Element.self)
    return (Int32(truncatingIfNeeded: code) &- channel.zeroPoint, 0, 0)
  }
}

/// Integers of 4 bits, two in a byte, less the zero point.
struct Nibbles: NarrowElements {
  nonisolated(unsafe) let base: UnsafeRawPointer
  let signed: Bool

  @inline(__always)
  func element(_ index: Int, _ channel: NarrowChannel) -> (
    integer: Int32, inexact: Int32, nonFinite: Int32
  ) {
    let byte = base.loadUnaligned(fromByteOffset: index / 2, as: UInt8.self)
    let code = Self.code(byte, index: index, signed: signed)
    return (Int32(truncatingIfNeeded: code) &- channel.zeroPoint, 0, 0)
  }

  /// The code at an index; the low half of a byte comes first.
  static func code(_ byte: UInt8, index: Int, signed: Bool) -> Int {
    let nibble = Int(index % 2 == 0 ? byte & 0xF : byte >> 4)
    return signed && nibble >= 8 ? nibble - 16 : nibble
  }
}

/// One pass over a weight, in the order that its memory suggests.
struct WeightScan: Sendable {
  private let bases: [Int]
  private let channels: [ChannelQuantizer]
  /// The starts of the contiguous runs of one channel, relative to its base.
  private let runs: [Int]
  private let runLength: Int
  private let dotLength: Int

  init(_ layout: DotProductLayout, bases: [Int], channels: [ChannelQuantizer]) {
    self.bases = bases
    self.channels = channels
    dotLength = layout.dotLength
    let strides = layout.weight.strides
    // The inner axes that together are one contiguous run of memory are joined.
    var outer = layout.dotAxes
    var length = 1
    while let axis = outer.last {
      let size = layout.weight.shape[axis]
      guard size == 1 || strides[axis] == length else { break }
      length *= size
      outer.removeLast()
    }
    runLength = length
    runs = layout.offsets(outer, strides: strides)
  }

  /// The sums of all channels, by the vectorized loops.
  func sums(_ elements: some NarrowElements) -> [ChannelSums] {
    fill { range, results in
      var channel = range.lowerBound
      while channel < range.upperBound {
        // Neighbouring channels in neighbouring memory, as in (K, N) matrices, are read side by side.
        var end = channel + 1
        while runLength == 1, end < range.upperBound, end - channel < Self.columns,
          bases[end] == bases[end - 1] + 1
        { end += 1 }
        if end - channel > 1 {
          addColumns(elements, channel..<end, results)
        } else {
          results[channel] = addRuns(elements, channel)
        }
        channel = end
      }
    }
  }

  /// The sums of all channels in 64 bits, one element at a time.
  func sumsOneByOne(_ element: @escaping (Int, ChannelQuantizer) -> ElementReading) -> [ChannelSums]
  {
    (0..<bases.count).map { channel in
      var sums = ChannelSums()
      for run in runs {
        for index in 0..<runLength {
          let reading = element(bases[channel] + run + index, channels[channel])
          let integer = Int64(reading.integer)
          sums.add(
            sum: integer, norm: abs(integer), zeros: integer == 0 ? 1 : 0,
            inexact: reading.isInexact ? 1 : 0, nonFinite: reading.isNonFinite ? 1 : 0)
        }
      }
      return sums
    }
  }

  /// The largest number of channels that are read side by side.
  private static let columns = 64

  private func fill(
    _ body: @Sendable (Range<Int>, UnsafeMutableBufferPointer<ChannelSums>) -> Void
  ) -> [ChannelSums] {
    [ChannelSums](unsafeUninitializedCapacity: bases.count) { buffer, count in
      buffer.initialize(repeating: ChannelSums())
      count = bases.count
      Parallelism.forEachRange(
        count: bases.count, grain: max(1, 1 << 16 / max(dotLength, 1)), sharing: buffer, do: body)
    }
  }

  private func addRuns(_ elements: some NarrowElements, _ channel: Int) -> ChannelSums {
    let constants = channels[channel].narrow
    let limit = channels[channel].exactRun
    var sums = ChannelSums()
    for run in runs {
      var start = bases[channel] + run
      let end = start + runLength
      while start < end {
        let count = min(limit, end - start)
        var (sum, norm, zeros, inexact, nonFinite) = (
          Int32(0), Int32(0), Int32(0), Int32(0), Int32(0)
        )
        for offset in 0..<count {
          let element = elements.element(start &+ offset, constants)
          sum &+= element.integer
          norm &+= max(element.integer, 0 &- element.integer)
          zeros &+= element.integer == 0 ? 1 : 0
          inexact &+= element.inexact
          nonFinite &+= element.nonFinite
        }
        sums.add(
          sum: Int64(sum), norm: Int64(norm), zeros: Int(zeros), inexact: Int(inexact),
          nonFinite: Int(nonFinite))
        start += count
      }
    }
    return sums
  }

  private func addColumns(
    _ elements: some NarrowElements, _ range: Range<Int>,
    _ results: UnsafeMutableBufferPointer<ChannelSums>
  ) {
    let count = range.count
    let limit = range.reduce(Int.max) { min($0, channels[$1].exactRun) }
    let constants = range.map { channels[$0].narrow }
    withUnsafeTemporaryAllocation(of: SIMD8<Int32>.self, capacity: count) { partial in
      constants.withUnsafeBufferPointer { constants in
        var row = 0
        while row < runs.count {
          let end = min(runs.count, row + limit)
          partial.initialize(repeating: .zero)
          for position in row..<end {
            let start = bases[range.lowerBound] + runs[position]
            for column in 0..<count {
              let element = elements.element(start &+ column, constants[column])
              let norm = max(element.integer, 0 &- element.integer)
              partial[column] &+= SIMD8(
                element.integer, norm, element.integer == 0 ? 1 : 0, element.inexact,
                element.nonFinite, 0, 0, 0)
            }
          }
          for column in 0..<count {
            let sum = partial[column]
            results[range.lowerBound + column].add(
              sum: Int64(sum[0]), norm: Int64(sum[1]), zeros: Int(sum[2]), inexact: Int(sum[3]),
              nonFinite: Int(sum[4]))
          }
          row = end
        }
      }
    }
  }
}

extension ChannelQuantizer {
  fileprivate var narrow: NarrowChannel {
    NarrowChannel(
      scale: step, lower: Float(lower), upper: Float(upper),
      zeroPoint: Int32(truncatingIfNeeded: zeroPoint))
  }

  /// The number of integers of this channel whose sum certainly fits 32 bits.
  fileprivate var exactRun: Int {
    let largest = max(abs(lower - zeroPoint), abs(upper - zeroPoint), 1)
    return min(max((1 << 30) / largest, 1), 1 << 16)
  }
}
