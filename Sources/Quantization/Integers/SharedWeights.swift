import AccumulatorBounds
import GraphIR
import Quantizers

/// Which layers have one weight, and so the same integers and scales.
///
/// Layers share a constant where they read it in the same layout and ask the same of it: bits, method, and a budget for
/// the same range of inputs. The steps of a recurrent layer do. Others get integers of their own, as do layers whose
/// biases count in their accumulators, since those and the weights beside them are fitted to each other.
struct SharedWeights {
  /// For each layer the first one that has its weight; itself where that is its own.
  let owners: [Int]

  private struct Demand: Hashable {
    var weight: ValueID
    var channelAxis: Int
    var scaleShape: [Int]
    var weightBits: Int
    var method: Recipe.Method
    var targetBits: Int?
    var tiling: Tiling?
    var input: ActivationFormat
  }

  init(_ plan: QuantizationPlan, in graph: Graph) {
    var first: [Demand: Int] = [:]
    owners = plan.layers.enumerated().map { index, planned in
      let layer = planned.layer
      guard planned.bias == nil, let weight = graph[layer.node].inputs[layer.weightPosition] else {
        return index
      }
      let demand = Demand(
        weight: weight, channelAxis: layer.channelAxis, scaleShape: layer.layout.scaleShape,
        weightBits: planned.weightBits, method: planned.method, targetBits: planned.targetBits,
        tiling: planned.tiling, input: plan.input(of: planned).format)
      if let owner = first[demand] { return owner }
      first[demand] = index
      return index
    }
  }

  /// Every layer with a weight of its own.
  init(separate count: Int) { owners = Array(0..<count) }

  /// All layers that have the weight of one.
  func members(_ index: Int) -> [Int] { owners.indices.filter { owners[$0] == owners[index] } }
}
