import GraphIR
import TensorCore

/// Joins element-wise steps into ``PointwiseChain`` nodes, so that each chain is one pass over memory:
///
/// 1. a normalization by given statistics, a sum of two computed values of one shape, or nothing; then
/// 2. a rectifier, where nothing else reads what stands before it; then
/// 3. up to two activation quantizers. What other nodes read stays there as floats.
struct ChainFusion {
  private var graph: Graph
  private let types: [ValueID: ConcreteType]
  private let trained: Set<ValueID>

  /// - Parameters:
  ///   - types: of every value that is computed.
  ///   - parameters: values that are trained.
  init(_ graph: Graph, types: [ValueID: ConcreteType], parameters: Set<ValueID>) {
    self.graph = graph
    self.types = types
    trained = parameters
  }

  /// The graph with its chains joined.
  mutating func run() throws(GraphError) -> Graph {
    for id in try graph.topologicalOrder() where graph.contains(id) { join(from: id) }
    return graph
  }

  private mutating func join(from id: NodeID) {
    guard var (chain, inputs) = head(graph[id]), case var last?? = graph[id].outputs.first else {
      return
    }
    var absorbed = [id]
    if !chain.stages.contains(.rectifier), let next = soleReader(of: last),
      graph[next].op.rectifier == .plain, case let output?? = graph[next].outputs.first
    {
      chain.stages.insert(.rectifier)
      absorbed.append(next)
      last = output
    }
    let readers = quantizers(of: last).prefix(2 - chain.quantizers.count)
    if absorbed.count + readers.count < 2 { return }
    var outputs: [ValueID?] = []
    let others = graph.consumers(of: last).count > readers.count || graph.isOutput(last)
    if others || readers.isEmpty {
      chain.stages.insert(.values)
      outputs.append(last)
    }
    for reader in readers {
      guard let quantizer = graph[reader].op as? PointwiseChain else { continue }
      chain.quantizers += quantizer.quantizers
      inputs += graph[reader].inputs.dropFirst()
      outputs += graph[reader].outputs
    }
    let name = graph[id].name
    for node in absorbed + readers { graph.remove(node) }
    graph.addNode(chain, name: name, inputs: inputs, outputs: outputs)
  }

  /// The chain that a node begins, with its inputs; `nil` for one that begins none.
  private func head(_ node: Node) -> (PointwiseChain, [ValueID?])? {
    if node.op.elementwise == .sum {
      guard case let (a?, b?) = (node.inputs[0], node.inputs[1]), let type = types[a],
        type.elementType == .float32, types[b] == type, isComputed(a), isComputed(b)
      else { return nil }
      return (PointwiseChain(.sum), node.inputs)
    }
    if let normalization = node.op.channelNormalization {
      guard node.outputs.dropFirst().allSatisfy({ $0 == nil }) else { return nil }
      return (PointwiseChain(normalization: normalization), node.inputs)
    }
    guard node.op.rectifier == .plain, case let input?? = node.inputs.first,
      types[input]?.elementType == .float32
    else { return nil }
    return (PointwiseChain(.rectifier), node.inputs)
  }

  private func isComputed(_ value: ValueID) -> Bool {
    graph[value].producer != nil && !trained.contains(value)
  }

  private func soleReader(of value: ValueID) -> NodeID? {
    let readers = graph.consumers(of: value)
    return readers.count == 1 && !graph.isOutput(value) ? readers[0] : nil
  }

  /// The nodes that do nothing but quantize a value.
  private func quantizers(of value: ValueID) -> [NodeID] {
    graph.consumers(of: value).filter {
      guard let chain = graph[$0].op as? PointwiseChain else { return false }
      return chain.stages.isEmpty && chain.normalization == nil && chain.quantizers.count == 1
    }
  }
}
