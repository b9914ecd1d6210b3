import GraphIR
import TensorCore

extension Graph {
  /// Gives a node's input new data: in place where nothing else reads the constant, else as a copy of its own.
  mutating func setOwnConstant(_ node: NodeID, _ position: Int, _ tensor: Tensor) {
    let inputs = self[node].inputs
    guard let value = inputs[position] else { return }
    let isOwn = consumers(of: value) == [node] && inputs.count(where: { $0 == value }) == 1
    if isOwn && !isOutput(value) {
      setConstant(value, tensor)
    } else {
      setInput(node, position, to: addConstant(name: self[value].name, tensor))
    }
  }
}
