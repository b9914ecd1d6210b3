import GraphIR

/// Replaces calls of a model's own functions by the functions' bodies.
///
/// 1. The names of a body's values and nodes get the call's name as a prefix, so that no two calls share a name.
/// 2. Calls in a body are replaced too. ``FunctionLibrary/check(_:)`` has already refused what would not end.
struct FunctionInliner {
  let library: FunctionLibrary
  let model: Model
  let resolver: any OperatorResolver
  /// The opsets that bodies import.
  private(set) var opsets: [OpsetImport] = []
  /// Bodies without calls, by what is called with which attributes: functions may call each other twice in each of many
  /// layers.
  private var bodies: [Call: (graph: Graph, opsets: [OpsetImport])] = [:]

  private struct Call: Hashable {
    var key: FunctionLibrary.Key
    var attributes: [Attribute]
  }

  init(library: FunctionLibrary, model: Model, resolver: any OperatorResolver) {
    self.library = library
    self.model = model
    self.resolver = resolver
  }

  /// Replaces all calls in a graph.
  ///
  /// - Throws: ``FormatProblem`` where a function is malformed.
  mutating func run(_ graph: inout Graph) throws(FormatProblem) {
    guard !library.isEmpty else { return }
    try expand(&graph)
  }

  private mutating func expand(_ graph: inout Graph) throws(FormatProblem) {
    for id in graph.nodeIDs where library.contains(graph[id]) {
      let node = graph[id]
      guard let (body, imports) = try body(of: node) else { continue }
      guard node.inputs.count <= body.inputs.count, node.outputs.count <= body.outputs.count else {
        throw .function(
          name: FunctionLibrary.key(node).name,
          .arity(
            node: node.name, inputs: body.inputs.count, outputs: body.outputs.count))
      }
      let version = imports.first { OpsetImport.canonical($0.domain).isEmpty }?.version
      graph.remove(id)
      graph.splice(
        body, prefix: node.name + "/", inputs: node.inputs, outputs: node.outputs,
        identity: try identity(opset: version ?? model.opset(of: "") ?? 1))
    }
  }

  /// The body of the function that a node calls, without calls in it; `nil` for a node that calls none.
  private mutating func body(of node: Node) throws(FormatProblem) -> (Graph, [OpsetImport])? {
    let call = Call(key: FunctionLibrary.key(node), attributes: node.op.writtenAttributes)
    if let known = bodies[call] { return known }
    guard let (found, imports) = try library.body(of: node, in: model, resolver: resolver) else {
      return nil
    }
    var body = found
    try expand(&body)
    opsets += imports
    bodies[call] = (body, imports)
    return (body, imports)
  }

  private func identity(opset: Int) throws(FormatProblem) -> any Operator {
    do {
      return try resolver.makeOperator(
        domain: "", type: "Identity", attributes: AttributeReader([], opset: opset))
    } catch {
      throw .graph(.node(name: "result", type: "Identity", error))
    }
  }
}
