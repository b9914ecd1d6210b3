import Glibc
import Quantizers

/// Finds, for each channel, the scale under which a quantizer's integers come nearest to the float weights.
///
/// Under a tight budget the scale that the largest weight suggests is far from the best: a coarser one needs
/// smaller integers, so that fewer weights are cut. The scan tries ``factors`` times that scale; every candidate
/// meets the budget, so the guarantee does not depend on the choice.
struct ScaleSearch {
  /// Multiples of the scale of the largest weight, from 1/2 to 8 in even ratios.
  static let factors: [Float] = (0...32).map { exp2(Float($0) / 8 - 1) }

  let quantizer: any WeightQuantizer

  /// - Parameter weights: channels x K, row-major.
  func run(_ weights: [Float], _ initialization: WeightInitialization) throws(QuantizerError)
    -> QuantizedWeights
  {
    let initialized = try quantizer.initialized(weights, initialization)
    var best = try quantizer.quantize(initialized.weights, initialized.parameters)
    var errors = best.squaredErrors(from: weights)
    let length = quantizer.layer.length
    for factor in Self.factors where factor != 1 {
      var parameters = initialized.parameters
      for channel in parameters.log2Scale.indices {
        parameters.log2Scale[channel] += log2(factor)
      }
      let candidate = try quantizer.quantize(initialized.weights, parameters)
      for (channel, error) in candidate.squaredErrors(from: weights).enumerated()
      where error < errors[channel] {
        errors[channel] = error
        best.scales[channel] = candidate.scales[channel]
        let row = channel * length..<(channel + 1) * length
        best.codes.replaceSubrange(row, with: candidate.codes[row])
      }
    }
    return best
  }
}

extension QuantizedWeights {
  /// Sum of squared differences from `weights`, one a channel.
  fileprivate func squaredErrors(from weights: [Float]) -> [Double] {
    let length = scales.isEmpty ? 0 : codes.count / scales.count
    return scales.indices.map { channel in
      var sum = 0.0
      for index in channel * length..<(channel + 1) * length {
        let rest = Double(Float(codes[index]) * scales[channel] - weights[index])
        sum += rest * rest
      }
      return sum
    }
  }
}
