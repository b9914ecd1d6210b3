import GraphIR
import Passes
import TensorCore

/// How many samples an evaluation computes at once where nobody says: as many as the caches hold.
///
/// A kernel that finds what the one before it wrote still in a cache gains more than a large batch saves in calls: a
/// ResNet-20 takes a tenth less time with 16 samples of 32 x 32 pixels than with 64. Matrix products, whose weights are
/// read anew for each batch, want the larger one, and their activations are small enough for it.
enum CacheSizedBatch {
  /// The least is worth its calls, and more than the most makes no product faster.
  static let allowed = 16...64
  /// The second-level cache of a server's core.
  private static let bytesPerThread = 2 << 20

  /// The number of samples for a graph, a power of two.
  static func count(for graph: Graph) -> Int {
    var graph = graph
    // Where it fails, the sizes found so far do.
    _ = try? ShapeInference().run(&graph)
    let sample = graph.nodeIDs.map { bytesOfSample(graph[$0], in: graph) }.max() ?? 0
    let most = Double(bytesPerThread * Parallelism.threadCount) / max(sample, 1)
    var count = allowed.lowerBound
    while count * 2 <= allowed.upperBound, Double(count * 2) <= most { count *= 2 }
    return count
  }

  /// The bytes of one sample that a node reads and writes, as floats; 0 for values of unknown size.
  private static func bytesOfSample(_ node: Node, in graph: Graph) -> Double {
    (node.inputs + node.outputs).compactMap { $0 }.reduce(0) { sum, value in
      guard graph[value].constant == nil, let dimensions = graph[value].type?.dimensions else {
        return sum
      }
      return sum + dimensions.dropFirst().reduce(4) { $0 * Double($1.size ?? 0) }
    }
  }
}
