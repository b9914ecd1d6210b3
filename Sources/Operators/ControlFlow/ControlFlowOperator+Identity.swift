import Execution
import GraphIR

extension ControlFlowOperator {
  public var identity: any Operator { Identity() }
}
