import GraphIR

/// LSTM, GRU and RNN, whose operands ``RecurrentShape`` describes.
package protocol RecurrentOperator: SerializableOperator {
  var settings: RecurrentSettings { get }
  /// The gates, whose rows lie one after the other in W, R and B.
  var gateCount: Int { get }
  /// The states that go from step to step: 2 with a memory besides the output.
  var stateCount: Int { get }
}
