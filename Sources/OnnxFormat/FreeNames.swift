import COnnxProto

/// The names of the values that the subgraphs of a node read from the graphs around it, each of them once.
///
/// Recursion is bounded: the scanner limits how deep messages are nested.
func freeNames(of node: UnsafeMutablePointer<Onnx__NodeProto>) -> [String] {
  var names: [String] = []
  var seen: Set<String> = []
  for attribute in messages(node.pointee.attribute, node.pointee.n_attribute) {
    let a = attribute.pointee
    let graphs = messages(a.graphs, a.n_graphs)
    for graph in (a.g.map { [$0] } ?? []) + graphs {
      for name in freeNames(of: graph) where seen.insert(name).inserted { names.append(name) }
    }
  }
  return names
}

func freeNames(of graph: UnsafeMutablePointer<Onnx__GraphProto>) -> [String] {
  let g = graph.pointee
  let nodes = messages(g.node, g.n_node)
  // A name that is defined here is never free, so it is treated as seen from the start.
  var seen: Set<String> = [""]
  for input in messages(g.input, g.n_input) { seen.insert(text(input.pointee.name)) }
  for constant in messages(g.initializer, g.n_initializer) {
    seen.insert(text(constant.pointee.name))
  }
  for constant in messages(g.sparse_initializer, g.n_sparse_initializer) {
    seen.insert(text(constant.pointee.values?.pointee.name))
  }
  for node in nodes { seen.formUnion(texts(node.pointee.output, node.pointee.n_output)) }
  var names: [String] = []
  for node in nodes {
    let inputs = texts(node.pointee.input, node.pointee.n_input)
    for name in inputs + freeNames(of: node) where seen.insert(name).inserted {
      names.append(name)
    }
  }
  for output in messages(g.output, g.n_output) {
    let name = text(output.pointee.name)
    if seen.insert(name).inserted { names.append(name) }
  }
  return names
}
