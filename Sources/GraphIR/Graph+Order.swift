extension Graph {
  /// All nodes, producers before consumers; otherwise in the order in which they were added.
  ///
  /// A node that was added after its consumers comes directly before the first of them.
  ///
  /// - Throws: ``GraphError/cycle(nodes:)`` with the names of the nodes on one cycle.
  package func topologicalOrder() throws(GraphError) -> [NodeID] {
    enum Mark { case new, open, done }
    var marks = [Mark](repeating: .new, count: nodeSlots.count)
    var order: [NodeID] = []
    order.reserveCapacity(nodeSlots.count)
    // The stack is explicit, since a chain of a million nodes must not exhaust the machine's.
    var stack: [(node: NodeID, sources: [ValueID], next: Int)] = []
    for root in nodeIDs where marks[Int(root.index)] == .new {
      stack.append((root, sources(of: self[root]), 0))
      marks[Int(root.index)] = .open
      while let (node, inputs, position) = stack.last {
        guard position < inputs.count else {
          stack.removeLast()
          marks[Int(node.index)] = .done
          order.append(node)
          continue
        }
        stack[stack.count - 1].next += 1
        guard let producer = self[inputs[position]].producer else { continue }
        switch marks[Int(producer.index)] {
        case .new:
          marks[Int(producer.index)] = .open
          stack.append((producer, sources(of: self[producer]), 0))
        case .open:
          let start = stack.firstIndex { $0.node == producer } ?? 0
          throw .cycle(nodes: stack[start...].map { self[$0.node].name })
        case .done: break
        }
      }
    }
    return order
  }
}
