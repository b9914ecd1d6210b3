import GraphIR
import Operators
import TensorCore

/// Brings the standard operators of a graph to a later opset.
///
/// 1. Operators whose form is the same in all versions from the old to the new: left as they are.
/// 2. `Clip` with bounds as attributes (before opset 11): the bounds become inputs.
///
/// - Note: any other operator of the standard domain is refused where the versions differ in its form, and where
///   nothing is known of it.
package struct OpsetRaise: Pass {
  package static let name = "opset-raise"

  package let from: Int
  package let to: Int

  package init(from: Int, to: Int) {
    self.from = from
    self.to = to
  }

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    guard from < to else { return [] }
    var edits: [Edit] = []
    for id in graph.nodeIDs where graph[id].op.domain.isEmpty {
      let node = graph[id]
      if let clip = node.op as? Clip, case .attributes(let minimum, let maximum) = clip.bounds {
        let bounds = [(minimum, "_minimum"), (maximum, "_maximum")].map { value, suffix in
          value.map { graph.addConstant(name: node.name + suffix, Tensor(scalar: $0)) }
        }
        graph[id].op = Clip()
        graph.setInputs(id, to: [node.inputs[0]] + bounds)
        edits.append(Edit(node: node.name, "bounds as inputs"))
        continue
      }
      let changes = Self.changes[node.op.type]
      guard !node.op.isOpaque,
        changes.map({ $0.allSatisfy { !(from < $0 && $0 <= to) } }) ?? false
      else {
        throw .node(
          name: node.name, type: node.op.type,
          .unsupported(what: "bringing it from opset \(from) to \(to)"))
      }
    }
    return edits
  }

  /// The versions in which the form of an operator, as this package writes it, changed.
  private static let changes: [String: [Int]] = [
    "Add": [], "AveragePool": [], "BatchNormalization": [], "Cast": [], "Clip": [], "Concat": [],
    "Constant": [], "Conv": [], "ConvTranspose": [], "DepthToSpace": [], "DequantizeLinear": [],
    "Div": [], "Dropout": [12], "Flatten": [], "Gather": [], "Gemm": [], "GlobalAveragePool": [],
    "Identity": [], "LeakyRelu": [], "MatMul": [], "MaxPool": [], "Mul": [], "Pad": [11], "Pow": [],
    "QuantizeLinear": [], "ReduceMean": [18], "Relu": [], "Reshape": [], "Resize": [11],
    "Shape": [],
    "Sigmoid": [], "Slice": [10], "Softmax": [13], "Sqrt": [], "Squeeze": [13], "Sub": [],
    "Tanh": [], "Transpose": [], "Unsqueeze": [13],
  ]
}
