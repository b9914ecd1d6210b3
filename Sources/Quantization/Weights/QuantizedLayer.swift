/// The integers of one layer and how they came about.
struct QuantizedLayer: Sendable {
  /// channels x K, row-major.
  var integers: [Int8]
  /// One scale a channel: weight = integer x scale.
  var scales: [Float]
  /// The name of the method that chose the integers.
  var method: String
  /// Units by which weights were moved toward zero after quantization to meet the budget.
  var repairs: Int
  /// True where zero-centring would erase the layer (K = 1), so that A2Q stood in for A2Q+.
  var fellBackToA2Q: Bool
  /// Sum of squared differences from the float weights over their squared norm.
  var relativeError: Double
}
