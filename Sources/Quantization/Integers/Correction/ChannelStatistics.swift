import GraphIR
import Operators

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

extension ChannelStatistics {
  /// The statistics of each layer's output over all samples; `nil` for a layer that no sample has shown.
  ///
  /// - Throws: ``ConversionError`` where samples can't be run.
  static func all(
    of layers: [DotProductLayer], in graph: Graph, _ runner: SampleRunner
  ) throws(ConversionError) -> [ChannelStatistics?] {
    var statistics = layers.map {
      ChannelStatistics(channels: $0.layout.channelCount, axis: $0.outputAxis)
    }
    var indexOfOutput: [ValueID: Int] = [:]
    for (index, layer) in layers.enumerated() {
      if let output = layer.output(in: graph) { indexOfOutput[output] = index }
    }
    let outputs = layers.compactMap { $0.output(in: graph) }
    try runner.observe(outputs, in: graph) { value, elements, shape in
      if let index = indexOfOutput[value] { statistics[index].observe(elements, shape: shape) }
    }
    return statistics.map { $0.count > 0 ? $0 : nil }
  }
}
