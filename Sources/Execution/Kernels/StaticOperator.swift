import GraphIR
import TensorCore

/// An operator whose result follows from types and constants, so that it never runs.
package protocol StaticOperator: Operator {
  /// The outputs, or `nil` where the inputs' types don't determine them.
  func fold(_ inputs: [InputInfo?]) -> [Tensor]?
}

extension Operator {
  /// Whether a node of this operator may be replaced by what it computes of constants. Quantizers stay, since the
  /// integers behind them are what a quantized model is about.
  package var isFoldable: Bool {
    (self is any ExecutableOperator || self is any StaticOperator) && !roundsValues
  }
}
