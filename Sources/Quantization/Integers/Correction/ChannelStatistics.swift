/// Running mean and variance of each channel of a layer's output, in double precision.
struct ChannelStatistics: Sendable {
  /// Elements of one channel seen.
  private(set) var count = 0.0
  private var sums: [Double]
  private var squares: [Double]
  /// Dimension of the output that counts channels.
  let axis: Int

  init(channels: Int, axis: Int) {
    sums = [Double](repeating: 0, count: channels)
    squares = sums
    self.axis = axis
  }

  /// Takes in a batch of outputs; one whose channel dimension has another size is left out.
  mutating func observe(_ elements: UnsafeBufferPointer<Float>, shape: [Int]) {
    let axis = self.axis < 0 ? self.axis + shape.count : self.axis
    guard shape.indices.contains(axis), shape[axis] == sums.count, !elements.isEmpty else { return }
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    for block in 0..<outer {
      for channel in sums.indices {
        let start = (block * sums.count + channel) * inner
        var sum = 0.0
        var square = 0.0
        for index in start..<start + inner {
          let value = Double(elements[index])
          sum += value
          square += value * value
        }
        sums[channel] += sum
        squares[channel] += square
      }
    }
    count += Double(outer * inner)
  }

  var means: [Double] { sums.map { $0 / max(count, 1) } }

  var variances: [Double] {
    zip(squares, means).map { max($0 / max(count, 1) - $1 * $1, 0) }
  }
}
