import Execution
import GraphIR

/// Replaces control flow whose decisions are constant.
///
/// 1. `If` with a constant condition becomes its branch.
/// 2. `Loop` and `Scan` with a known number of iterations become these in a row.
///
/// What isn't constant stays, and whatever has to compute it says so.
public struct ControlFlowInlining: Pass {
  public static let name = "control-flow-inlining"
  public static let mustFollow: [any Pass.Type] = [ShapeInference.self, ConstantFolding.self]

  public init() {}

  public func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    ControlFlowInliner.run(&graph).map { Edit(node: $0, "replaced by what it computes") }
  }
}
