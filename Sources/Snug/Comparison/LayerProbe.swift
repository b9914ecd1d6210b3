import GraphIR
import Operators
import Verification

/// A dot product of a model, and where it is observed: at its output, behind the constants that follow it.
struct LayerProbe {
  let analysis: LayerAnalysis
  /// Where the layer's result is as the next operator reads it.
  let output: ValueID
  /// Dimension of ``output`` that counts channels, from the end where negative.
  let channelAxis: Int
  /// The real activations that the layer's own quantizers take, or those that it reads where there are none.
  let inputs: [ValueID]

  /// `nil` where the graph has no such node.
  init?(_ analysis: LayerAnalysis, in graph: Graph, _ names: NamedValues) {
    guard let value = names[analysis.output], let node = Self.node(analysis.name, value, graph),
      let result = node.outputs.first ?? nil
    else { return nil }
    self.analysis = analysis
    let position = Self.dataPosition(node, in: graph)
    guard let data = node.inputs.indices.contains(position) ? node.inputs[position] : nil else {
      return nil
    }
    let layer = DotProductLayer(node.id, in: graph) { Self.constantShape($0, in: graph) }
    channelAxis = layer?.outputAxis ?? (node.op.type.contains("Conv") ? 1 : -1)
    output = Self.behindConstants(result, in: graph)
    inputs = Self.sources(of: data, in: graph)
  }

  /// The node that multiplies: loading may put others of its name behind it.
  private static func node(_ name: String, _ output: ValueID, _ graph: Graph) -> Node? {
    guard var node = graph.producer(of: output) else { return nil }
    while node.name != name || node.op.movement != nil || node.op.makesCodes,
      let input = node.inputs.first ?? nil, let before = graph.producer(of: input)
    { node = before }
    return node.name == name ? node : nil
  }

  /// The first input that isn't constant.
  private static func dataPosition(_ node: Node, in graph: Graph) -> Int {
    node.inputs.firstIndex { input in input.map { !isConstant($0, in: graph) } ?? false } ?? 0
  }

  /// Whether a value is a constant, or what few operators make of constants, as quantizers do of weights.
  private static func isConstant(_ value: ValueID, in graph: Graph, depth: Int = 6) -> Bool {
    if graph[value].constant != nil { return true }
    guard depth > 0, let node = graph.producer(of: value), !node.inputs.isEmpty else {
      return false
    }
    return node.inputs.allSatisfy {
      $0.map { isConstant($0, in: graph, depth: depth - 1) } ?? true
    }
  }

  private static func constantShape(_ value: ValueID, in graph: Graph) -> [Int]? {
    guard isConstant(value, in: graph) else { return nil }
    if let constant = graph[value].constant { return constant.shape }
    return graph.producer(of: value)?.inputs.first.flatMap { $0 }
      .flatMap { constantShape($0, in: graph) }
  }

  /// The value behind all that acts on `value` alone and by constants: a normalisation, a bias, the scales of codes.
  private static func behindConstants(_ value: ValueID, in graph: Graph) -> ValueID {
    var value = value
    while !graph.isOutput(value) {
      let readers = graph.consumers(of: value)
      guard readers.count == 1, let next = readers.first.map({ graph[$0] }),
        let output = next.outputs.first ?? nil,
        next.inputs.filter({ $0 == value }).count == 1,
        next.inputs.allSatisfy({ $0.map { $0 == value || isConstant($0, in: graph) } ?? true }),
        next.op.channelNormalization != nil || keptForms.contains(next.op.type)
      else { break }
      value = output
    }
    return value
  }

  /// Operators that shift, scale or convert what a layer gives.
  private static let keptForms: Set = ["Add", "Sub", "Mul", "Div", "Cast", "DequantizeLinear"]

  /// The values that the nearest quantizers above `value` take; the layers' outputs and graph inputs where there is none.
  private static func sources(of value: ValueID, in graph: Graph) -> [ValueID] {
    var found: [ValueID] = []
    var seen: Set<ValueID> = []
    var open = [value]
    while let value = open.popLast() {
      guard seen.insert(value).inserted, !isConstant(value, in: graph) else { continue }
      guard let node = graph.producer(of: value), node.op.dotProduct == nil else {
        found.append(value)
        continue
      }
      if node.op.roundsValues || node.op.makesCodes {
        if let input = node.inputs.first ?? nil { found.append(input) }
      } else {
        open += node.inputs.compactMap { $0 }
      }
    }
    return found
  }
}

/// The values of a graph by their names.
struct NamedValues {
  private let values: [String: ValueID]

  init(_ graph: Graph) {
    values = Dictionary(
      graph.valueIDs.map { (graph[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  subscript(name: String) -> ValueID? { values[name] }
}
