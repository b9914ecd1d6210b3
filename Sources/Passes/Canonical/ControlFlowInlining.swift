import Execution
import GraphIR

/// Replaces control flow whose decisions are constant.
///
/// 1. `If` with a constant condition becomes its branch.
/// 2. `Loop` and `Scan` with a known number of iterations become these in a row.
///
/// What isn't constant stays, and whatever has to compute it says so.
package struct ControlFlowInlining: Pass {
  package static let name = "control-flow-inlining"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self, ConstantFolding.self]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    ControlFlowInliner.run(&graph).map { Edit(node: $0, "replaced by what it computes") }
  }
}
