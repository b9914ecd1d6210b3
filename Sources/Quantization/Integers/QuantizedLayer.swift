import AccumulatorBounds
import Quantizers

/// The integers of one layer and how they came about.
struct QuantizedLayer: Sendable {
  /// channels x K, row-major.
  var integers: [Int8]
  /// One scale a channel: weight = integer x scale.
  var scales: [Float]
  /// One bias a channel in steps of the accumulator; empty where the bias is outside, or there is none.
  var biases: [Int64] = []
  /// Biases that their width, their register or what their weights leave of it has cut off.
  var cutBiases = 0
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
      integers: quantized.codes, scales: quantized.scales, method: quantizer.constraintName,
      repairs: quantized.summary.repairedUnits, fellBackToA2Q: quantized.summary.fellBackToA2Q,
      relativeError: quantized.relativeError(from: weights))
  }
}

extension QuantizedLayer {
  /// Sets the integers of the biases from the layer's own, at the present scales.
  mutating func quantizeBiases(of layer: WeightLayer) {
    guard layer.biasFormat != nil, !layer.biases.isEmpty else { return }
    biases = scales.indices.map { layer.bias($0, scale: scales[$0]) }
    countCutBiases(layer.biases)
  }

  /// - Parameter wanted: the biases in steps of the input.
  mutating func countCutBiases(_ wanted: [Float]) {
    cutBiases = biases.indices.count { channel in
      Double(wanted[channel] / scales[channel]).magnitude > Double(biases[channel].magnitude) + 0.5
    }
  }

  /// Sets the biases of `layer` at the present scales, and moves weights toward zero that don't fit beside them.
  ///
  /// - Parameter weights: what the integers stand for, channels x K; `nil` for the integers themselves.
  /// - Returns: the units moved.
  mutating func fit(_ layer: WeightLayer, weights: [Float]?) -> Int {
    quantizeBiases(of: layer)
    let units = layer.meetBudgets(&integers, scales: scales, weights: weights)
    repairs += units
    return units
  }

  /// Sets the biases of `layer` at the present scales, each as near to its value as its weights leave room.
  mutating func settleBiases(of layer: WeightLayer) {
    quantizeBiases(of: layer)
    for channel in biases.indices {
      let row = integers[channel * layer.length..<(channel + 1) * layer.length]
      let region = layer.budget(channel).channel
      guard let sums = SignSums(row), region.contains(sums) else { continue }
      let room = region.remaining(after: sums)
      biases[channel] = Int64(
        clamping: min(max(Int128(biases[channel]), -room.below), room.above))
    }
    countCutBiases(layer.biases)
  }
}
