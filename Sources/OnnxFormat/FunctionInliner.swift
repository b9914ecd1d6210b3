import GraphIR

/// Replaces calls of a model's own functions by the functions' bodies.
///
/// 1. Values and nodes of a body get the call's name in front: no two calls share a name.
/// 2. A body's calls are replaced too. A function that calls itself, through others or not, is refused, and so
///    are bodies of more than ``FormatLimits/expandedNodes`` nodes in all, which a short file can ask for.
struct FunctionInliner {
  let library: FunctionLibrary
  let model: Model
  let resolver: any OperatorResolver
  /// Opsets that bodies import.
  private(set) var opsets: [OpsetImport] = []
  private var expanded = 0

  init(library: FunctionLibrary, model: Model, resolver: any OperatorResolver) {
    self.library = library
    self.model = model
    self.resolver = resolver
  }

  /// - Throws: ``FormatProblem`` where a function is malformed, recursive or too large.
  mutating func run(_ graph: inout Graph) throws(FormatProblem) {
    try expand(&graph, callers: [])
  }

  private mutating func expand(_ graph: inout Graph, callers: [FunctionLibrary.Key])
    throws(FormatProblem)
  {
    guard !library.isEmpty else { return }
    for id in graph.nodeIDs where library.contains(graph[id]) {
      let node = graph[id]
      let key = FunctionLibrary.key(node)
      guard !callers.contains(key) else { throw .function(name: key.name, .recursive) }
      guard let (found, imports) = try library.body(of: node, in: model, resolver: resolver) else {
        continue
      }
      var body = found
      guard node.inputs.count <= body.inputs.count, node.outputs.count <= body.outputs.count else {
        throw .function(
          name: key.name,
          .arity(
            node: node.name, inputs: body.inputs.count, outputs: body.outputs.count))
      }
      expanded += body.nodeIDs.count + 1
      guard expanded <= FormatLimits.expandedNodes else {
        throw .function(name: key.name, .tooLarge(limit: FormatLimits.expandedNodes))
      }
      try expand(&body, callers: callers + [key])
      opsets += imports
      let version = imports.first { OpsetImport.canonical($0.domain).isEmpty }?.version
      graph.remove(id)
      graph.splice(
        body, prefix: node.name + "/", inputs: node.inputs, outputs: node.outputs,
        identity: try identity(opset: version ?? model.opset(of: "") ?? 1))
    }
  }

  private func identity(opset: Int) throws(FormatProblem) -> any Operator {
    do throws(OperatorError) {
      return try resolver.makeOperator(
        domain: "", type: "Identity", attributes: AttributeReader([], opset: opset))
    } catch {
      throw .graph(.node(name: "result", type: "Identity", error))
    }
  }
}
