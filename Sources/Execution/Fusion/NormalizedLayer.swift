import GraphIR
import TensorCore

/// A convolution's parameters with a normalization of its output folded in.
struct NormalizedLayer {
  let weight: Tensor
  let bias: Tensor

  /// `w * a` and `(b - mean) * a + beta`, with `a = scale / sqrt(var + epsilon)`, in double precision.
  ///
  /// - Parameter parameters: scale, beta, mean and variance.
  /// - Returns: `nil` where they don't have one entry for each output channel.
  init?(
    weight: Tensor, bias: Tensor?, _ normalization: ChannelNormalizationForm, _ parameters: [Tensor]
  ) {
    let channels = weight.shape[0]
    guard parameters.count == 4, parameters.allSatisfy({ $0.count == channels }),
      bias == nil || bias?.count == channels
    else { return nil }
    let lists = parameters.map { $0.elements(of: Float.self).map(Double.init) }
    let old = bias?.elements(of: Float.self) ?? [Float](repeating: 0, count: channels)
    var factors: [Double] = []
    var offsets: [Float] = []
    for channel in 0..<channels {
      let deviation = (lists[3][channel] + Double(normalization.epsilon)).squareRoot()
      let factor = lists[0][channel] / deviation
      factors.append(factor)
      offsets.append(Float((Double(old[channel]) - lists[2][channel]) * factor + lists[1][channel]))
    }
    let taps = channels == 0 ? 0 : weight.count / channels
    self.weight = .renewable(shape: weight.shape, of: Float.self) { [factors] result in
      weight.withElements(of: Float.self) { w in
        for (channel, factor) in factors.enumerated() {
          for index in channel * taps..<(channel + 1) * taps {
            result[index] = Float(Double(w[index]) * factor)
          }
        }
      }
      weight.storage.discard()
    }
    self.bias = Tensor(offsets, shape: [channels])
  }
}
