import Execution
import GraphIR
import TensorCore

/// A plain recurrent layer (ONNX RNN, opset 7, 14, 22).
///
///     H' = f(X_t W^T + H R^T + Wb + Rb)
///
/// `clip` bounds what goes into f. Operands and outputs are those of ``RecurrentShape``.
package struct RNN: RecurrentOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "RNN", inputs: 3...6, outputs: 0...2,
    inputTypes: [.float, .float, .float, .float, [.int32], .float])

  package var settings: RecurrentSettings
  package var gateCount: Int { 1 }
  package var stateCount: Int { 1 }

  package static let defaults = [RecurrentActivation(.tanh)]

  package init(_ settings: RecurrentSettings) {
    self.settings = settings
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(try RecurrentSettings(attributes: attributes, defaults: Self.defaults))
  }

  package func attributes() -> [Attribute] { settings.attributes() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try RecurrentShape.infer(inputs, settings, states: stateCount)
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let phase = RecurrentCell.Phase(gates: 0..<1) { cell, row in
      for k in 0..<row.hidden { row.state[k] = cell.apply(0, row.sum(0, k)) }
    }
    return try RecurrentKernel.make(context, settings, gates: gateCount, phases: [phase])
  }
}
