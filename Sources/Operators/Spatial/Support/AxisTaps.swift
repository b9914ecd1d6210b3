import TensorCore

/// For each position along an axis of an output, the input positions that it is the weighted sum of.
struct AxisTaps: Sendable {
  /// Positions of the input.
  let inputSize: Int
  /// Where the taps of each output position begin; one more entry than positions.
  private(set) var starts = [0]
  private(set) var sources: [Int] = []
  private(set) var weights: [Float] = []
  /// Output positions that lie outside the input and take the extrapolation value.
  private(set) var isOutside: [Bool] = []

  init(inputSize: Int) { self.inputSize = inputSize }

  var count: Int { isOutside.count }

  /// Whether every output position is the input position of the same number.
  var isIdentity: Bool {
    count == inputSize && sources == Array(0..<count) && weights.allSatisfy { $0 == 1 }
      && !isOutside.contains(true)
  }

  /// Adds an output position.
  mutating func append(_ taps: [(source: Int, weight: Float)], isOutside outside: Bool = false) {
    for tap in taps {
      sources.append(tap.source)
      weights.append(tap.weight)
    }
    starts.append(sources.count)
    isOutside.append(outside)
  }

  /// Writes `outer` blocks of `count` rows of `inner` elements, each the weighted sum of rows of `x`.
  func apply(
    _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, outer: Int, inner: Int
  ) {
    Parallelism.forEachRange(
      count: outer * count, grain: max(1, 1 << 14 / max(inner, 1)), sharing: x, y
    ) { rows, x, y in
      for row in rows {
        let (block, position) = row.quotientAndRemainder(dividingBy: count)
        let target = y + row * inner
        let source = x + block * inputSize * inner
        let taps = starts[position]..<starts[position + 1]
        if inner == 1 {
          var sum: Float = 0
          for tap in taps { sum += weights[tap] * source[sources[tap]] }
          target[0] = sum
          continue
        }
        target.update(repeating: 0, count: inner)
        for tap in taps {
          let (from, weight) = (source + sources[tap] * inner, weights[tap])
          for i in 0..<inner { target[i] += weight * from[i] }
        }
      }
    }
  }

  /// The transpose of ``apply(_:to:outer:inner:)``: spreads the rows of `y` over those of `x`.
  func spread(
    _ y: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>, outer: Int, inner: Int
  ) {
    Parallelism.forEachRange(count: outer, sharing: x, y) { blocks, x, y in
      for block in blocks {
        let target = x + block * inputSize * inner
        target.update(repeating: 0, count: inputSize * inner)
        for position in 0..<count {
          let source = y + (block * count + position) * inner
          for tap in starts[position]..<starts[position + 1] {
            let (to, weight) = (target + sources[tap] * inner, weights[tap])
            for i in 0..<inner { to[i] += weight * source[i] }
          }
        }
      }
    }
  }
}
