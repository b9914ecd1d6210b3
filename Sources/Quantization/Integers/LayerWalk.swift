import Execution
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
    let step = try step(in: graph, to: output)
    for batch in batches.indices { try step.observe(output, batch: batch, body) }
  }

  /// Computes the output of a layer as it now is, keeps it, and drops what no later layer reads.
  mutating func advance(past index: Int, in graph: Graph) throws(ConversionError) {
    guard let output = layers[index].output(in: graph) else { return }
    if lastReader[index] > index {
      let step = try step(in: graph, to: output)
      var computed: [Tensor?] = []
      for batch in batches.indices { computed.append(try step.fetch(output, batch: batch)) }
      for batch in batches.indices { kept[batch][output] = computed[batch] }
    }
    for (passed, layer) in layers[...index].enumerated() where lastReader[passed] <= index {
      guard let output = layer.output(in: graph) else { continue }
      for batch in batches.indices { kept[batch][output] = nil }
    }
  }

  /// The part of a graph as it now is that computes one value, ready to be run batch by batch from what is kept.
  struct Step {
    fileprivate let session: Session
    fileprivate let walk: LayerWalk

    var batchCount: Int { walk.batches.count }

    /// Shows a value that depends on no layer but those passed and the next one.
    func observe(
      _ value: ValueID, batch: Int, _ body: (UnsafeBufferPointer<Float>, [Int]) -> Void
    ) throws(ConversionError) {
      let feeds = try walk.feeds(session.graph, batch)
      do {
        try session.run(feeds, observe: [value]) { _, elements, shape in body(elements, shape) }
      } catch {
        throw .execution(error)
      }
    }

    fileprivate func fetch(_ value: ValueID, batch: Int) throws(ConversionError) -> Tensor? {
      let feeds = try walk.feeds(session.graph, batch)
      do { return try session.run(feeds, fetch: [value])[value] } catch { throw .execution(error) }
    }
  }

  /// - Parameter value: what is to be computed.
  /// - Throws: ``ConversionError`` where the graph can't be run.
  func step(in graph: Graph, to value: ValueID) throws(ConversionError) -> Step {
    let whole = try runner.executable(graph)
    // Preparing a session takes the time of its graph, which for all layers would grow with the square of their number.
    let graph = whole.segment(
      from: whole.inputs + kept.reduce(into: Set()) { $0.formUnion($1.keys) }.sorted(), to: [value])
    do {
      return Step(
        session: try Session(graph: graph, options: .init(isReproducible: true)), walk: self)
    } catch {
      throw .execution(error)
    }
  }

  private func feeds(_ graph: Graph, _ batch: Int) throws(ConversionError) -> [ValueID: Tensor] {
    // Behind the first layers nothing reads the samples any more, which are images to decode in places.
    let readsSamples = graph.inputs.contains {
      kept[batch][$0] == nil && !(graph.consumers(of: $0).isEmpty && !graph.isOutput($0))
    }
    guard readsSamples else { return kept[batch] }
    return try runner.feeds(graph, batches[batch]).merging(kept[batch]) { input, _ in input }
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
