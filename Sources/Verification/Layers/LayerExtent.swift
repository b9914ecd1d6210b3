import GraphIR

/// How much of a layer is computed, and how finely its results are kept: what costs depend on, and no verdict.
struct LayerExtent {
  let model: Model
  let analysis: FactAnalysis

  /// The elements of a node's output for one sample: a first dimension that is open counts once. `nil` where another
  /// one is.
  func outputCount(_ node: Node) -> Int? {
    guard let output = node.outputs.first ?? nil, var shape = analysis.facts.shape(of: output),
      !shape.isEmpty
    else { return nil }
    if shape[0].known == nil { shape.removeFirst() }
    let product = SizeProduct(shape)
    return product.flatMap { $0.names.isEmpty ? $0.number : nil }
  }

  /// The bits of the widest quantizer that takes the node's result, behind operators that don't multiply; `nil` where
  /// none does.
  func outputBits(_ node: Node) -> Int? {
    var open = node.outputs.compactMap { $0 }
    var seen = Set(open)
    var bits: Int?
    while let value = open.popLast(), seen.count <= Self.searchLimit {
      for reader in model.graph.consumers(of: value)
      where DotProductOperator(model.graph[reader].op) == nil {
        for case let output? in model.graph[reader].outputs where seen.insert(output).inserted {
          switch analysis.facts[output] {
          case .grid(let grid): bits = max(bits ?? 0, grid.bits)
          case .codes(let codes): bits = max(bits ?? 0, codes.bits)
          case .real: open.append(output)
          case .constant: break
          }
        }
      }
    }
    return bits
  }

  /// Values to look at: quantizers stand right behind the layers that they are for.
  private static let searchLimit = 64
}
