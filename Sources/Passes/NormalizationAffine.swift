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
    guard let normalization = node.op as? BatchNormalization,
      !normalization.usesBatchStatistics,
      case let input?? = node.inputs.first, case let output?? = node.outputs.first,
      node.outputs.dropFirst().allSatisfy({ $0.map { graph.consumers(of: $0).isEmpty } ?? true })
    else { return nil }
    let parameters = node.inputs[1..<5].compactMap { value in
      value.flatMap { graph[$0].constant }?.convertedToFloat()?.elements(of: Float.self)
    }
    guard parameters.count == 4, Set(parameters.map(\.count)).count == 1 else { return nil }
    factor = parameters[0].indices.map { channel in
      Double(parameters[0][channel])
        / (Double(parameters[3][channel]) + Double(normalization.epsilon)).squareRoot()
    }
    let factor = factor
    shift = parameters[0].indices.map { channel in
      Double(parameters[1][channel]) - Double(parameters[2][channel]) * factor[channel]
    }
    guard (factor + shift).allSatisfy(\.isFinite) else { return nil }
    self.node = id
    self.input = input
    self.output = output
  }
}
