import GraphIR
import TensorCore

/// The nodes to run, some of them joined into one pass where nothing else reads what stands between.
///
/// 1. A convolution, then a normalization, all parameters constant: the weights and the bias are scaled.
/// 2. A product with a constant matrix, then a sum with one constant a column: a bias.
/// 3. A convolution, then a sum with a value of the same shape: added before the result is written.
/// 4. What has an ``Epilogue/reluSlope``, then a rectifier.
///
/// Operators state which of these they take part in (``FusibleOperator``).
struct Fusion {
  /// What a kernel reads.
  enum Input {
    case value(ValueID)
    case constant(Tensor)
  }

  /// A node with what it absorbs.
  struct Item {
    var node: NodeID
    var inputs: [Input?]
    var outputs: [ValueID?]
    var epilogue = Epilogue()
    /// Outputs that some node reads, or that are observed.
    var read: Set<ValueID> = []

    func isRead(_ value: ValueID) -> Bool { read.contains(value) }
  }

  /// What may be joined.
  struct Rules: Sendable, Hashable {
    var fusesNodes: Bool
    /// Case 1, which changes results in their last bits.
    var foldsNormalization: Bool

    static let none = Rules(fusesNodes: false, foldsNormalization: false)
  }

  private(set) var items: [Item] = []
  private let graph: Graph
  private let inference: ConcreteInference
  private let cache: ConstantCache
  private let rules: Rules
  private let observed: Set<ValueID>
  private var readers: [ValueID: [NodeID]] = [:]
  private var absorbed: Set<NodeID> = []

  /// - Parameters:
  ///   - results: values that must be computed as such.
  ///   - rules: ``Rules/none`` for a node an item.
  ///   - cache: keeps folded weights for other plans.
  init(
    _ graph: Graph, _ inference: ConcreteInference, results: [ValueID], rules: Rules,
    cache: ConstantCache
  ) {
    self.graph = graph
    self.inference = inference
    self.cache = cache
    self.rules = rules
    observed = Set(results)
    for id in inference.nodes {
      for case let input? in graph[id].inputs { readers[input, default: []].append(id) }
    }
    // An item runs at the place of the last node that it absorbs, where all its inputs are there.
    var placed: [NodeID: Item] = [:]
    for id in inference.nodes where !absorbed.contains(id) {
      let node = graph[id]
      var item = Item(
        node: id, inputs: node.inputs.map { $0.map(Input.value) }, outputs: node.outputs)
      var last = id
      if rules.fusesNodes { extend(&item, &last) }
      for case let output? in item.outputs
      where readers[output] != nil || observed.contains(output) {
        item.read.insert(output)
      }
      placed[last] = item
    }
    items = inference.nodes.compactMap { placed[$0] }
  }

  /// Lets an item absorb the nodes after it.
  private mutating func extend(_ item: inout Item, _ last: inout NodeID) {
    let absorption = absorption(item)
    if rules.foldsNormalization, absorption.contains(.normalization), let next = soleReader(item),
      let layer = folded(item, next)
    {
      item.inputs = [item.inputs[0], .constant(layer.weight), .constant(layer.bias)]
      absorb(next, into: &item, &last)
    }
    if absorption.contains(.columnBias), let next = soleReader(item),
      let bias = columnBias(item, next)
    {
      item.inputs.append(.value(bias))
      absorb(next, into: &item, &last)
    }
    if absorption.contains(.residual), let next = soleReader(item),
      let residual = residual(item, next)
    {
      item.inputs.append(.value(residual))
      item.epilogue.addsResidual = true
      absorb(next, into: &item, &last)
    }
    if absorption.contains(.rectifier), let next = soleReader(item), let slope = reluSlope(next.op)
    {
      item.epilogue.reluSlope = slope
      absorb(next, into: &item, &last)
    }
  }

  private func absorption(_ item: Item) -> Absorption {
    let node = graph[item.node]
    guard let op = node.op as? any FusibleOperator else { return [] }
    return op.absorption(node.inputs.map { $0.flatMap { inference.types[$0] } })
  }

  private mutating func absorb(_ node: Node, into item: inout Item, _ last: inout NodeID) {
    absorbed.insert(node.id)
    item.outputs = node.outputs
    last = node.id
  }

  /// The only node that reads an item's only result, once, where nobody observes that result.
  private func soleReader(_ item: Item) -> Node? {
    guard item.outputs.dropFirst().allSatisfy({ $0.flatMap { readers[$0] } == nil }),
      case let output?? = item.outputs.first, !observed.contains(output),
      let found = readers[output], found.count == 1, !absorbed.contains(found[0])
    else { return nil }
    return graph[found[0]]
  }

  // MARK: Cases

  /// Case 1.
  private func folded(_ item: Item, _ next: Node) -> NormalizedLayer? {
    guard let normalization = next.op.channelNormalization, next.inputs.count == 5,
      next.inputs[0] == item.outputs[0],
      next.outputs.dropFirst().allSatisfy({ $0.flatMap { readers[$0] } == nil })
    else { return nil }
    let node = graph[item.node]
    let constants = node.inputs.dropFirst() + next.inputs.dropFirst()
    // An absent bias is no constant, and none is needed.
    for case let input? in constants {
      guard inference.isLasting(input), inference.types[input]?.elementType == .float32 else {
        return nil
      }
    }
    func constant(_ value: ValueID?) -> Tensor? { value.flatMap { inference.constants[$0] } }
    return cache.normalizedLayer(item.node, next.id) {
      guard let weight = constant(node.inputs[1]) else { return nil }
      return NormalizedLayer(
        weight: weight, bias: constant(node.inputs.count > 2 ? node.inputs[2] : nil),
        normalization, next.inputs.dropFirst().compactMap { constant($0) })
    }
  }

  /// Case 2.
  private func columnBias(_ item: Item, _ next: Node) -> ValueID? {
    guard let output = item.outputs[0], let other = otherOperand(next, than: output),
      let shape = inference.types[output]?.shape, let columns = shape.last, shape.count > 1,
      let bias = inference.types[other], bias.elementType == .float32,
      inference.constants[other] != nil, bias.shape.last == columns, bias.count == columns,
      bias.shape.count <= shape.count, inference.types[output]?.elementType == .float32,
      let matrix = graph[item.node].inputs[1], inference.types[matrix]?.shape.count == 2
    else { return nil }
    return other
  }

  /// Case 3.
  private func residual(_ item: Item, _ next: Node) -> ValueID? {
    guard let output = item.outputs[0], let other = otherOperand(next, than: output),
      let type = inference.types[output], inference.types[other] == type,
      inference.constants[other] == nil
    else { return nil }
    return other
  }

  private func otherOperand(_ node: Node, than value: ValueID) -> ValueID? {
    guard node.op.elementwise == .sum, case let (a?, b?) = (node.inputs[0], node.inputs[1]), a != b
    else {
      return nil
    }
    return a == value ? b : a
  }

  /// Case 4.
  private func reluSlope(_ op: any Operator) -> Float? {
    switch op.rectifier {
    case .plain: 0
    case .leaky(let slope): slope
    case nil: nil
    }
  }
}
