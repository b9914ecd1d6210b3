import AccumulatorBounds
import Verification

/// Counterexamples in short form.
enum CounterexampleText {
  /// The channel, its sum and the limits that the sum exceeds, then the input with runs abbreviated; `nil` without a
  /// counterexample.
  static func paragraph(_ verdict: LayerVerdict, style: TextStyle) -> String? {
    guard let example = verdict.counterexample, let target = verdict.targetBits else { return nil }
    let bits = example.tile == nil ? verdict.tiles?.outerBits ?? target : target
    guard (1...64).contains(bits) else { return nil }
    let (low, high) = (Int64.min >> (64 - bits), Int64.max >> (64 - bits))
    let count = example.input.count
    let products =
      example.prefix.map { "\($0.count) of \(count) products, added first," }
      ?? (count == 1 ? "1 product" : "\(count) products")
    let bias = example.bias.map { " and the bias \($0)" } ?? ""
    let tile = example.tile.map { ", tile \($0)" } ?? ""
    let sentence =
      "\(style.quoting(verdict.layer.name)), channel \(example.channel)\(tile): \(products)\(bias) sum to "
      + "\(example.sum), outside \(low) .. \(high) (\(bits) bits), for the input\(example.operands == .values ? "" : ", as bytes,")"
    return style.wrap(sentence) + "\n"
      + style.wrap(runs(example.input, style), first: 2, rest: 2)
  }

  /// The values, with runs as `value x count`, cut off after ``runLimit`` parts.
  static func runs(_ values: [Int64], _ style: TextStyle) -> String {
    var parts: [String] = []
    var index = 0
    while index < values.count, parts.count < runLimit {
      let end = values[index...].firstIndex { $0 != values[index] } ?? values.count
      let count = end - index
      parts.append(count == 1 ? "\(values[index])" : "\(values[index]) \(style.times) \(count)")
      index = end
    }
    if index < values.count { parts.append("\(style.ellipsis) (\(values.count - index) more)") }
    return parts.joined(separator: ", ")
  }

  private static let runLimit = 16
}
