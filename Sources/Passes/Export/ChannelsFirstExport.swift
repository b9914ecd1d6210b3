import GraphIR
import Operators

/// Takes out the transpositions with which a channels-last file is read (``ChannelsLastImport``), so that an export
/// has its layers as the file had them before they were turned.
///
/// 1. Transpositions that undo each other go (``TransposeElimination``).
/// 2. What is left in front of a flattened image goes into the order of the next layer's weight
///    (``TransposeIntoWeight``), unless weights must stay in their order.
///
/// Graph inputs and outputs keep their layouts, so that one transposition may remain at each of them.
package struct ChannelsFirstExport: Pass {
  package static let name = "channels-first-export"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self]

  /// Whether the rows of a weight may change their order.
  package let movesWeights: Bool

  package init(movesWeights: Bool) { self.movesWeights = movesWeights }

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits = try TransposeElimination().run(&graph)
    // Transpositions that have moved have results without a type.
    if !edits.isEmpty { edits += try ShapeInference().run(&graph) }
    return movesWeights ? edits + (try TransposeIntoWeight().run(&graph)) : edits
  }
}
