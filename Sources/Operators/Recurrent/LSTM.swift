import Execution
import GraphIR
import TensorCore

/// A layer of long short-term memory (ONNX LSTM, opset 7, 14, 22).
///
///     i = f(X_t Wi^T + H Ri^T + Pi . C + Wbi + Rbi)       o = f(X_t Wo^T + H Ro^T + Po . C' + Wbo + Rbo)
///     f = f(X_t Wf^T + H Rf^T + Pf . C + Wbf + Rbf)       c = g(X_t Wc^T + H Rc^T + Wbc + Rbc)
///     C' = f . C + i . c                                  H' = o . h(C')
///
/// The gates lie in W, R and B as i, o, f, c, in P as i, o, f. With `input_forget` f is 1 - i. `clip` bounds what goes
/// into f and g, as in onnxruntime. Operands and outputs are those of ``RecurrentShape``.
package struct LSTM: RecurrentOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "LSTM", inputs: 3...8, outputs: 0...3,
    inputTypes: [.float, .float, .float, .float, [.int32], .float])

  package var settings: RecurrentSettings
  package var gateCount: Int { 4 }
  package var stateCount: Int { 2 }
  /// Whether the gate f is 1 - i.
  package var couplesGates: Bool

  package static let defaults = [
    RecurrentActivation(.sigmoid), RecurrentActivation(.tanh), RecurrentActivation(.tanh),
  ]

  package init(_ settings: RecurrentSettings, couplesGates: Bool = false) {
    self.settings = settings
    self.couplesGates = couplesGates
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      try RecurrentSettings(attributes: attributes, defaults: Self.defaults),
      couplesGates: try attributes.bool("input_forget", default: false))
  }

  package func attributes() -> [Attribute] {
    settings.attributes() + [Attribute("input_forget", .int(couplesGates ? 1 : 0))]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try RecurrentShape.infer(inputs, settings, states: stateCount)
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try makeKernel(context, weights: .rows)
  }

  func makeKernel(_ context: KernelContext, weights: RecurrentShape.Weights) throws(KernelError)
    -> any Kernel
  {
    let couplesGates = couplesGates
    let phase = RecurrentCell.Phase(gates: 0..<4) { cell, row in
      let n = row.hidden
      let (state, memory) = (row.state, row.memory)
      for k in 0..<n {
        let past = memory[k]
        func peephole(_ gate: Int, _ value: Float) -> Float {
          row.extra.map { $0[gate * n + k] * value } ?? 0
        }
        let input = cell.apply(0, row.sum(0, k) + peephole(0, past))
        let forget =
          couplesGates ? 1 - input : cell.apply(0, row.sum(2, k) + peephole(2, past))
        let next = forget * past + input * cell.apply(1, row.sum(3, k))
        let output = cell.apply(0, row.sum(1, k) + peephole(1, next))
        memory[k] = next
        state[k] = output * cell.functions[2](next)
      }
    }
    return try RecurrentKernel.make(
      context, settings, gates: gateCount, states: stateCount, phases: [phase], weights: weights)
  }
}
