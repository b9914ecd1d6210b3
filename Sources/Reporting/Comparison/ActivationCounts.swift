import TensorCore

/// How the activations that a layer reads are spread before its quantizer takes them, in bars of one width over what the
/// quantizer holds and a part more on both sides.
public struct ActivationCounts: Sendable, Hashable {
  /// What the quantizer holds, in steps of its scale: the least and the greatest integer, and half a step more, since that
  /// is still rounded to them.
  private let low, high: Float
  public let scale: Float
  /// Bars from the lower margin to the upper one.
  public private(set) var bars: [Int]
  /// Values beyond the margins.
  public private(set) var below = 0
  public private(set) var above = 0
  /// Values that are no numbers.
  public private(set) var invalid = 0
  /// Of the values that are numbers; `nil` without such.
  public private(set) var least: Float?
  public private(set) var greatest: Float?

  /// Bars over what the quantizer holds, and over each margin.
  private static let (inner, margin) = (32, 12)

  /// - Parameters:
  ///   - integers: what the quantizer holds, less its zero point.
  ///   - scale: the real value of a step, above 0.
  public init(integers: ClosedRange<Int>, scale: Float) {
    low = Float(integers.lowerBound) - 0.5
    high = Float(integers.upperBound) + 0.5
    self.scale = scale
    bars = [Int](repeating: 0, count: Self.inner + 2 * Self.margin)
  }

  public mutating func add(_ values: UnsafeBufferPointer<Float>) {
    let perStep = Float(Self.inner) / (high - low)
    for value in values {
      let steps = value / scale
      guard !steps.isNaN else {
        invalid += 1
        continue
      }
      least = min(least ?? value, value)
      greatest = max(greatest ?? value, value)
      let place = (steps - low) * perStep
      if place < Float(-Self.margin) {
        below += 1
      } else if place >= Float(Self.inner + Self.margin) {
        above += 1
      } else {
        var bar = Int(place.rounded(.down))
        // Rounding must not move a value across the ends of what is held.
        if steps >= low, steps <= high {
          bar = min(max(bar, 0), Self.inner - 1)
        } else {
          bar = steps < low ? min(bar, -1) : max(bar, Self.inner)
        }
        bars[bar + Self.margin] += 1
      }
    }
  }

  public var total: Int { bars.reduce(below + above + invalid, +) }

  /// Values that the quantizer cuts off.
  public var clipped: Int {
    bars[..<Self.margin].reduce(below, +) + bars[(Self.margin + Self.inner)...].reduce(above, +)
  }

  /// The real values between which the quantizer doesn't clip.
  public var clipping: (low: Double, high: Double) {
    (Double(low) * Double(scale), Double(high) * Double(scale))
  }

  /// The real value at which the first bar begins, and a bar's width.
  public var axis: (start: Double, width: Double) {
    let width = (clipping.high - clipping.low) / Double(Self.inner)
    return (clipping.low - Double(Self.margin) * width, width)
  }

  var json: JSONValue {
    [
      "clip_low": .number(clipping.low), "clip_high": .number(clipping.high),
      "minimum": least.map { .number($0) } ?? .null,
      "maximum": greatest.map { .number($0) } ?? .null, "count": JSONValue(total),
      "clipped": JSONValue(clipped), "start": .number(axis.start), "width": .number(axis.width),
      "bars": .array(bars.map { JSONValue($0) }), "below": JSONValue(below),
      "above": JSONValue(above),
    ]
  }
}
