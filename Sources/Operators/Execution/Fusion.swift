import GraphIR
import TensorCore

/// The nodes to run, some of them joined into one pass where nothing reads what stands between.
///
/// 1. Conv, Gemm or MatMul, then Relu or LeakyRelu.
struct Fusion {
  /// A node with what it absorbs.
  struct Item {
    var node: NodeID
    var inputs: [ValueID?]
    var outputs: [ValueID?]
    var epilogue = Epilogue()
    /// Outputs that some node reads, or that are observed.
    var read: Set<ValueID> = []

    func isRead(_ value: ValueID) -> Bool { read.contains(value) }
  }

  private(set) var items: [Item] = []

  /// - Parameters:
  ///   - results: values that must be computed as such.
  ///   - isEnabled: false to run every node by itself.
  init(_ graph: Graph, _ inference: ConcreteInference, results: [ValueID], isEnabled: Bool) {
    let nodes = Set(inference.nodes)
    var readers: [ValueID: [NodeID]] = [:]
    for id in inference.nodes {
      for input in Set(graph[id].inputs.compactMap { $0 }) {
        readers[input, default: []].append(id)
      }
    }
    let observed = Set(results)
    var absorbed: Set<NodeID> = []
    for id in inference.nodes where !absorbed.contains(id) {
      let node = graph[id]
      var item = Item(node: id, inputs: node.inputs, outputs: node.outputs)
      if isEnabled, Self.takesActivation(node.op), case let output?? = node.outputs.first,
        !observed.contains(output), let reader = readers[output], reader.count == 1,
        nodes.contains(reader[0]), let slope = Self.reluSlope(graph[reader[0]].op)
      {
        absorbed.insert(reader[0])
        item.outputs = graph[reader[0]].outputs
        item.epilogue.reluSlope = slope
      }
      for case let output? in item.outputs
      where readers[output] != nil || observed.contains(output) {
        item.read.insert(output)
      }
      items.append(item)
    }
  }

  private static func takesActivation(_ op: any Operator) -> Bool {
    op is Conv || op is Gemm || op is MatMul
  }

  private static func reluSlope(_ op: any Operator) -> Float? {
    if op is Relu { return 0 }
    return (op as? LeakyRelu)?.alpha
  }
}
