import GraphIR

/// How finely a layer's results are kept: what costs depend on, and no verdict.
struct OutputWidth {
  let model: Model
  let analysis: FactAnalysis

  /// The bits of the widest quantizer that takes the node's result, behind operators that don't multiply; `nil` where
  /// none does.
  func bits(_ node: Node) -> Int? {
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
