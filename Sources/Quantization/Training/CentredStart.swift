import Operators
import Quantizers

/// Where training by A2Q+ starts: at each channel's better of two initialisations.
///
/// A2Q+ quantizes the centred weights, but as published takes scale, norm and projection from the weights as they
/// are. Where the bound doesn't bind, a channel then starts |w|_1 / |w - mean w|_1 times too large. Taking all
/// three from the centred weights mends that. Where it binds, the larger scale of the weights as they are is often
/// the better one, since more of a channel then survives the bound. So both are tried.
struct CentredStart {
  let quantizer: any WeightQuantizer
  let initialization: WeightInitialization

  /// - Parameter weights: channels x K, row-major.
  /// - Returns: for each channel, what has the smaller squared distance from the centred weights.
  func choose(_ weights: [Float]) throws(QuantizerError) -> (
    parameters: ChannelParameters, weights: [Float]
  ) {
    let centred = weights.centred(length: quantizer.layer.length)
    var (parameters, start) = try quantizer.initialized(weights, initialization)
    let published = try quantizer.quantize(start, parameters).errors(from: centred)
    let (other, otherStart) = try quantizer.initialized(centred, initialization)
    let found = try quantizer.quantize(otherStart, other).errors(from: centred)
    let length = quantizer.layer.length
    for channel in found.indices where found[channel] < published[channel] {
      parameters.log2Scale[channel] = other.log2Scale[channel]
      parameters.log2Norm[channel] = other.log2Norm[channel]
      let row = channel * length..<(channel + 1) * length
      start.replaceSubrange(row, with: otherStart[row])
    }
    return (parameters, start)
  }
}

extension [Float] {
  /// The mean of each row.
  func means(length: Int) -> [Float] {
    stride(from: 0, to: count, by: length).map { start in
      Float(self[start..<start + length].reduce(0.0) { $0 + Double($1) } / Double(length))
    }
  }

  /// Each row less its mean; as it is where a row has one element.
  func centred(length: Int) -> [Float] {
    guard length > 1 else { return self }
    let means = means(length: length)
    return indices.map { self[$0] - means[$0 / length] }
  }
}
