/// The identity of a node within one graph, which is never reused in that graph's life.
package struct NodeID: Hashable, Sendable, Comparable {
  let index: Int32
  init(_ index: Int) { self.index = Int32(index) }
  package static func < (a: NodeID, b: NodeID) -> Bool { a.index < b.index }
}

/// The identity of a value (an edge) within one graph, which is never reused in that graph's life.
package struct ValueID: Hashable, Sendable, Comparable {
  let index: Int32
  init(_ index: Int) { self.index = Int32(index) }
  package static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}
