import GraphIR
import Operators
import TensorCore

/// Folds `BatchNormalization` into the convolution before it.
///
///     y = BatchNormalization(Conv(x, w, b), gamma, beta, mean, var)
///     ->  y = Conv(x, w * f, (b - mean) * f + beta),   f = gamma / sqrt(var + epsilon)
///
/// 1. Conv: w is O x I/g x ..., scaled along dimension 0.
/// 2. ConvTranspose with one group: w is I x O x ..., scaled along dimension 1.
///
/// It stays where the convolution's output has another reader or a parameter is not constant.
package struct BatchNormalizationFolding: Pass {
  package static let name = "batch-normalization-folding"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      guard let candidate = Candidate(id, in: graph) else { continue }
      let convolution = graph[candidate.convolution]
      let weight = graph.addConstant(name: convolution.name + "_weight_folded", candidate.weight())
      let bias = graph.addConstant(name: convolution.name + "_bias_folded", candidate.bias())
      graph.setInputs(candidate.convolution, to: [convolution.inputs[0], weight, bias])
      let name = graph[id].name
      graph.remove(id)
      graph.replaceAllUses(of: candidate.affine.output, with: candidate.affine.input)
      edits.append(Edit(node: name, "folded into '\(convolution.name)'"))
    }
    return edits
  }
}

extension BatchNormalizationFolding {
  /// A normalisation that can be folded, with the numbers that takes.
  private struct Candidate {
    let convolution: NodeID
    let affine: NormalizationAffine
    let w: Tensor
    let b: [Float]
    let channelAxis: Int

    init?(_ id: NodeID, in graph: Graph) {
      guard let affine = NormalizationAffine(id, in: graph),
        let producer = graph.producer(of: affine.input),
        graph.consumers(of: affine.input) == [id], !graph.isOutput(affine.input),
        let layer = DotProductLayer(producer.id, in: graph), layer.kind == .convolution,
        layer.layout.batch == 1, let w = layer.weight(in: graph)
      else { return nil }
      channelAxis = layer.channelAxis
      let channels = layer.layout.channelCount
      guard affine.factor.count == channels else { return nil }
      if producer.inputs.count > 2, let bias = producer.inputs[2] {
        guard let values = graph[bias].constant?.convertedToFloat() else { return nil }
        b = values.elements(of: Float.self)
      } else {
        b = [Float](repeating: 0, count: channels)
      }
      convolution = producer.id
      self.affine = affine
      self.w = w
    }

    func weight() -> Tensor {
      let inner = w.shape[(channelAxis + 1)...].reduce(1, *)
      let channels = w.shape[channelAxis]
      return w.withElements(of: Float.self) { source in
        Tensor(shape: w.shape, of: Float.self) { target in
          for index in source.indices {
            let channel = index / inner % channels
            target.initializeElement(
              at: index, to: Float(Double(source[index]) * affine.factor[channel]))
          }
        }
      }
    }

    func bias() -> Tensor {
      let values = b.indices.map { Float(Double(b[$0]) * affine.factor[$0] + affine.shift[$0]) }
      return Tensor(values, shape: [values.count])
    }
  }
}
