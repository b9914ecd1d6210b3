import Quantizers

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

extension QuantizedLayer {
  /// - Parameter weights: the float weights that the error is measured from.
  init(_ quantized: QuantizedWeights, by quantizer: any WeightQuantizer, from weights: [Float]) {
    self.init(
      integers: quantized.codes, scales: quantized.scales, method: type(of: quantizer).methodName,
      repairs: quantized.summary.repairedUnits, fellBackToA2Q: quantized.summary.fellBackToA2Q,
      relativeError: quantized.relativeError(from: weights))
  }
}
