import GraphIR
import Operators
import TensorCore

/// A batch normalisation by constant statistics, as `factor * x + shift` per channel.
struct NormalizationAffine {
  let node: NodeID
  let input: ValueID
  let output: ValueID
  let factor: [Double]
  let shift: [Double]

  /// `nil` for other nodes, and where a statistic isn't constant.
  init?(_ id: NodeID, in graph: Graph) {
    let node = graph[id]
    guard let normalization = node.op.channelNormalization,
      case let input?? = node.inputs.first, case let output?? = node.outputs.first,
      node.outputs.dropFirst().allSatisfy({ $0.map { graph.consumers(of: $0).isEmpty } ?? true })
    else { return nil }
    func parameter(_ position: Int) -> [Double]? {
      node.inputs[position].flatMap { graph[$0].constant }?.convertedToFloat()?
        .elements(of: Float.self).map { Double($0) }
    }
    guard let scale = parameter(ChannelNormalizationForm.factor),
      let offset = parameter(ChannelNormalizationForm.shift),
      let mean = parameter(ChannelNormalizationForm.mean),
      let variance = parameter(ChannelNormalizationForm.variance),
      Set([scale, offset, mean, variance].map(\.count)).count == 1
    else { return nil }
    let factor = scale.indices.map { channel in
      scale[channel] / (variance[channel] + Double(normalization.epsilon)).squareRoot()
    }
    shift = scale.indices.map { channel in offset[channel] - mean[channel] * factor[channel] }
    self.factor = factor
    guard (factor + shift).allSatisfy(\.isFinite) else { return nil }
    self.node = id
    self.input = input
    self.output = output
  }
}
