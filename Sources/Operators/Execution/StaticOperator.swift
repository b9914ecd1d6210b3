import GraphIR
import TensorCore

/// An operator whose result follows from types and constants, so that it never runs.
public protocol StaticOperator: Operator {
  /// The outputs, or `nil` where the inputs' types don't determine them.
  func fold(_ inputs: [InputInfo?]) -> [Tensor]?
}
