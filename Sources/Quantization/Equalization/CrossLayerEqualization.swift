import GraphIR
import Operators
import Passes
import Quantizers
import TensorCore

/// Cross-layer equalization (Nagel et al. 2019, arXiv 1906.04721, section 4.1) for weights with a scale a channel
/// under an accumulator budget, and activations with one scale a tensor.
///
/// Between two layers each channel may be divided by a factor s_i in the first and multiplied in the second.
/// The first layer's rows have scales of their own, which take the factor up; what it decides is how the
/// channels share the step of the activations, and how the second layer's weights share the steps and the
/// budget of their rows. With a_i the root mean square of the activations and w_i the mean over rows of the
/// share that channel i has of the row's l1-norm:
///
/// - noise of the activations alone is least for s_i proportional to a_i;
/// - noise of weights that spend a budget B, sum of a_i^2 / s_i^2 under sum of s_i w_i <= B, is least for
///   s_i proportional to (a_i^2 / w_i)^(1/3).
///
/// The second rule serves both and is taken; a depthwise second layer, whose scales take the factor up too,
/// takes the first. Factors change the shares, so that several sweeps go over all pairs until they stand still.
struct CrossLayerEqualization {
  static let name = "cross-layer-equalization"
  /// Sweeps over all pairs; most graphs stand still after three.
  static let sweepLimit = 20
  /// Logarithms (base 2) of factors below this are left as they are.
  static let tolerance: Float = 0.01
  /// The largest logarithm (base 2) of a channel's factor: beyond it a channel does as good as nothing.
  static let largest: Float = 10

  /// Root mean square of the activations of each pair's channels; `nil` without samples.
  let activations: [[Double]]?

  /// Equalizes a float graph, and returns what was changed: nothing where all channels are alike already.
  ///
  /// - Throws: ``ConversionError/graph(_:)`` where the graph has a cycle, and as `runner` does.
  static func run(_ graph: inout Graph, runner: SampleRunner?) throws(ConversionError)
    -> [PassReport]
  {
    let pairs: [EqualizationPair]
    do { pairs = try EqualizationPair.all(in: graph) } catch { throw .graph(error) }
    if pairs.isEmpty { return [] }
    var activations: [[Double]]?
    if let runner { activations = try rootMeanSquares(pairs, graph, runner) }
    let edits = CrossLayerEqualization(activations: activations).apply(pairs, to: &graph)
    return edits.isEmpty ? [] : [PassReport(pass: name, edits: edits)]
  }

  /// The most samples that activations are measured on.
  static let sampleLimit = 128

  private static func rootMeanSquares(
    _ pairs: [EqualizationPair], _ graph: Graph, _ runner: SampleRunner
  ) throws(ConversionError) -> [[Double]] {
    var statistics = pairs.map {
      ChannelStatistics(channels: $0.channels, axis: $0.activationAxis)
    }
    // Each value has one reader and so ends in one pair.
    let indexOfValue = Dictionary(
      uniqueKeysWithValues: pairs.enumerated().map { ($0.element.activations, $0.offset) })
    try runner.limited(to: sampleLimit).observe(pairs.map(\.activations), in: graph) {
      value, elements, shape in
      if let index = indexOfValue[value] { statistics[index].observe(elements, shape: shape) }
    }
    return statistics.map { statistics in
      zip(statistics.means, statistics.variances).map { ($0 * $0 + $1).squareRoot() }
    }
  }

  private func apply(_ pairs: [EqualizationPair], to graph: inout Graph) -> [Edit] {
    var activations = activations
    var total = pairs.map { [Float](repeating: 0, count: $0.channels) }
    for _ in 0..<Self.sweepLimit {
      var moved: Float = 0
      for (index, pair) in pairs.enumerated() {
        let measured = activations?[index] ?? pair.expectedActivations(in: graph)
        let factors = logarithms(pair, measured, total[index], in: graph)
        let largest = factors.map(\.magnitude).max() ?? 0
        if largest < Self.tolerance { continue }
        moved = max(moved, largest)
        pair.apply(factors.map { Float(exp2(Double($0))) }, to: &graph)
        for channel in factors.indices {
          total[index][channel] += factors[channel]
          activations?[index][channel] /= exp2(Double(factors[channel]))
        }
      }
      if moved == 0 { break }
    }
    return pairs.indices.compactMap { index in
      guard let least = total[index].min(), let most = total[index].max(), most > least else {
        return nil
      }
      let octaves = ((most - least) * 10).rounded() / 10
      return Edit(
        node: pairs[index].target.name, "input channels scaled over \(octaves) octaves")
    }
  }

  /// Logarithms (base 2) of the factors for the present weights, with a mean of 0; 0 for a channel that is never
  /// active or that nothing reads.
  private func logarithms(
    _ pair: EqualizationPair, _ activations: [Double], _ total: [Float], in graph: Graph
  ) -> [Float] {
    let shares = pair.shares(in: graph)
    let isAlive = zip(activations, shares).map { $0 > 0 && $1 > 0 && $0.isFinite && $1.isFinite }
    guard isAlive.count == pair.channels, isAlive.contains(true) else {
      return [Float](repeating: 0, count: pair.channels)
    }
    let wanted = zip(activations, shares).map { activation, share in
      pair.targetIsDepthwise ? log2(activation) : (2 * log2(activation) - log2(share)) / 3
    }
    let alive = wanted.indices.filter { isAlive[$0] }
    let mean = alive.reduce(0) { $0 + wanted[$1] } / Double(alive.count)
    return wanted.indices.map { channel in
      guard isAlive[channel] else { return 0 }
      let factor = Float(wanted[channel] - mean)
      return min(max(total[channel] + factor, -Self.largest), Self.largest) - total[channel]
    }
  }
}

extension EqualizationPair {
  /// For each input channel the mean over the second layer's rows of its share of the row's l1-norm.
  fileprivate func shares(in graph: Graph) -> [Double] {
    var shares = [Double](repeating: 0, count: channels)
    guard let weight = target.weight(in: graph) else { return shares }
    let k = target.layout.dotLength
    let values = target.layout.gather(weight)
    for row in 0..<target.layout.channelCount {
      let norm = values[row * k..<(row + 1) * k].reduce(0) { $0 + Double($1.magnitude) }
      guard norm > 0 else { continue }
      for position in 0..<k {
        shares[inputChannel(row, position)] += Double(values[row * k + position].magnitude) / norm
      }
    }
    return shares.map { $0 / Double(target.layout.channelCount) }
  }

  /// What the first computation's constants alone let expect of the channels' root mean squares: a
  /// normalisation's output has its bias as mean and its factor as deviation, a layer's grows with the l2-norm
  /// of its row.
  fileprivate func expectedActivations(in graph: Graph) -> [Double] {
    switch source {
    case .normalization(let node):
      let (factor, bias) = (vector(node, 1, in: graph), vector(node, 2, in: graph))
      return zip(factor, bias).map { ($0 * $0 + $1 * $1).squareRoot() }
    case .layer(let layer):
      guard let weight = layer.weight(in: graph) else { return [] }
      let k = layer.layout.dotLength
      let values = layer.layout.gather(weight)
      return (0..<channels).map { row in
        values[row * k..<(row + 1) * k].reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      }
    }
  }

  private func vector(_ node: NodeID, _ position: Int, in graph: Graph) -> [Double] {
    let tensor = graph[node].inputs[position].flatMap { graph[$0].constant }
    return tensor?.elements(of: Float.self).map(Double.init) ?? []
  }
}
