import GraphIR
import Operators
import TensorCore

/// Walks through a graph from layer to layer on a fixed set of samples, computing each part once although
/// the graph changes on the way.
///
/// The outputs of layers already passed are kept and fed, so that a step computes only what lies between
/// them and the next layer; an output is let go once no later layer reads it.
struct LayerWalk {
  private let layers: [DotProductLayer]
  private let runner: SampleRunner
  private let batches: [Range<Int>]
  /// Kept outputs, one dictionary a batch.
  private var kept: [[ValueID: Tensor]]
  /// For each layer, the last layer whose computation reads its output directly.
  private let lastReader: [Int]

  /// - Throws: ``ConversionError/graph(_:)`` where the graph has a cycle.
  init(_ layers: [DotProductLayer], runner: SampleRunner, graph: Graph) throws(ConversionError) {
    self.layers = layers
    self.runner = runner
    batches = runner.batches
    kept = Array(repeating: [:], count: batches.count)
    lastReader = try Self.lastReaders(layers, graph)
  }

  /// The most samples for which a walk keeps no more than `limit` elements at a time; at least 1.
  ///
  /// - Throws: ``ConversionError/graph(_:)`` where the graph has a cycle.
  static func sampleLimit(
    _ layers: [DotProductLayer], runner: SampleRunner, graph: Graph, elements limit: Int
  ) throws(ConversionError) -> Int {
    let lastReader = try lastReaders(layers, graph)
    let sizes = layers.map { $0.output(in: graph).flatMap { runner.layerSizes[$0] } ?? 0 }
    let peak =
      layers.indices.map { index in
        (0...index).reduce(0) { $1 == index || lastReader[$1] > index ? $0 + sizes[$1] : $0 }
      }.max() ?? 0
    return max(1, limit / max(peak, 1))
  }

  /// Shows the output of a layer, batch by batch; the layers before it must have been passed.
  func observe(
    _ index: Int, in graph: Graph, _ body: (UnsafeBufferPointer<Float>, [Int]) -> Void
  ) throws(ConversionError) {
    guard let output = layers[index].output(in: graph) else { return }
    try forEachBatch(graph) { (session, feeds, _) throws(ExecutionError) in
      try session.run(feeds, observe: [output]) { _, elements, shape in body(elements, shape) }
    }
  }

  /// Computes the output of a layer as it now is, keeps it, and drops what no later layer reads.
  mutating func advance(past index: Int, in graph: Graph) throws(ConversionError) {
    guard let output = layers[index].output(in: graph) else { return }
    if lastReader[index] > index {
      var computed: [Tensor?] = Array(repeating: nil, count: batches.count)
      try forEachBatch(graph) { (session, feeds, batch) throws(ExecutionError) in
        computed[batch] = try session.run(feeds, fetch: [output])[output]
      }
      for batch in batches.indices { kept[batch][output] = computed[batch] }
    }
    for (passed, layer) in layers[...index].enumerated() where lastReader[passed] <= index {
      guard let output = layer.output(in: graph) else { continue }
      for batch in batches.indices { kept[batch][output] = nil }
    }
  }

  private func forEachBatch(
    _ graph: Graph, _ body: (Session, [ValueID: Tensor], Int) throws(ExecutionError) -> Void
  ) throws(ConversionError) {
    let graph = try runner.executable(graph)
    do {
      let session = try Session(graph: graph)
      for (batch, range) in batches.enumerated() {
        let feeds = try runner.feeds(graph, range).merging(kept[batch]) { input, _ in input }
        try body(session, feeds, batch)
      }
    } catch let error as ExecutionError {
      throw .execution(error)
    } catch let error as ConversionError {
      throw error
    } catch {
      throw .calibrationData(error)
    }
  }

  /// For each layer, the greatest index of a layer that its output reaches without passing another one.
  private static func lastReaders(_ layers: [DotProductLayer], _ graph: Graph)
    throws(ConversionError) -> [Int]
  {
    let order: [NodeID]
    do { order = try graph.topologicalOrder() } catch { throw .graph(error) }
    let indexOfNode = Dictionary(
      uniqueKeysWithValues: layers.enumerated().map { ($0.element.node, $0.offset) })
    // Walking backward, each value carries the greatest index of the layers that it reaches.
    var reached: [ValueID: Int] = [:]
    var last = [Int](repeating: -1, count: layers.count)
    for id in order.reversed() {
      let node = graph[id]
      let below = node.outputs.compactMap { $0.flatMap { reached[$0] } }.max() ?? -1
      if let index = indexOfNode[id] { last[index] = below }
      let above = indexOfNode[id] ?? below
      for case let input? in node.inputs { reached[input] = max(reached[input] ?? -1, above) }
    }
    return last
  }
}
