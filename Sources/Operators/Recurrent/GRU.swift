import Execution
import GraphIR
import TensorCore

/// A layer of gated recurrent units (ONNX GRU, opset 7, 14, 22).
///
///     z = f(X_t Wz^T + H Rz^T + Wbz + Rbz)
///     r = f(X_t Wr^T + H Rr^T + Wbr + Rbr)
///     h = g(X_t Wh^T + (r . H) Rh^T + Wbh + Rbh)          or, with linear_before_reset,
///     h = g(X_t Wh^T + r . (H Rh^T + Rbh) + Wbh)
///     H' = (1 - z) . h + z . H
///
/// The gates lie in W, R and B as z, r, h. `clip` bounds what goes into f and g. Operands and outputs are those of
/// ``RecurrentShape``.
package struct GRU: RecurrentOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "GRU", inputs: 3...6, outputs: 0...2,
    inputTypes: [.float, .float, .float, .float, [.int32], .float])

  package var settings: RecurrentSettings
  package var gateCount: Int { 3 }
  package var stateCount: Int { 1 }
  /// Whether the gate r multiplies the product with R, not the state before it.
  package var resetsProducts: Bool

  package static let defaults = [RecurrentActivation(.sigmoid), RecurrentActivation(.tanh)]

  package init(_ settings: RecurrentSettings, resetsProducts: Bool = false) {
    self.settings = settings
    self.resetsProducts = resetsProducts
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      try RecurrentSettings(attributes: attributes, defaults: Self.defaults),
      resetsProducts: try attributes.bool("linear_before_reset", default: false))
  }

  package func attributes() -> [Attribute] {
    settings.attributes()
      + [Attribute("linear_before_reset", .int(resetsProducts ? 1 : 0))]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try RecurrentShape.infer(inputs, settings, states: stateCount)
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    guard !resetsProducts else {
      return try RecurrentKernel.make(
        context, settings, gates: gateCount, extraBias: 2, phases: [Self.resettingProducts])
    }
    return try RecurrentKernel.make(
      context, settings, gates: gateCount, phases: [Self.gates, Self.candidate])
  }

  private static let resettingProducts = RecurrentCell.Phase(gates: 0..<3) { cell, row in
    let n = row.hidden
    for k in 0..<n {
      let update = cell.apply(0, row.sum(0, k))
      let reset = cell.apply(0, row.sum(1, k))
      let product = row.sums[2 * n + k] + (row.extra?[k] ?? 0)
      let candidate = cell.apply(1, row.input[2 * n + k] + reset * product)
      row.state[k] = (1 - update) * candidate + update * row.state[k]
    }
  }

  /// z, kept for the next phase, and the state under the gate r, which that multiplies with R.
  private static let gates = RecurrentCell.Phase(gates: 0..<2) { cell, row in
    for k in 0..<row.hidden {
      row.sums[k] = cell.apply(0, row.sum(0, k))
      row.operand[k] = cell.apply(0, row.sum(1, k)) * row.state[k]
    }
  }

  private static let candidate = RecurrentCell.Phase(gates: 2..<3) { cell, row in
    for k in 0..<row.hidden {
      let update = row.sums[k]
      row.state[k] = (1 - update) * cell.apply(1, row.sum(2, k)) + update * row.state[k]
    }
  }
}
