import Execution
import GraphIR

extension ControlFlowOperator {
  package var identity: any Operator { Identity() }
}
