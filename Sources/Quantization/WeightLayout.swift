import TensorCore

/// Where the weights of one dot product stand in a layer's weight tensor.
///
/// Every layout that ONNX has is B x R x C x D elements: channel b * C + c reads the K = R * D elements
/// (b, r, c, d). Conv is 1 x 1 x O x K; MatMul with the constant on the right B x K x O x 1; ConvTranspose
/// with g groups g x I/g x O/g x (kernel size).
struct WeightLayout: Sendable, Hashable {
  var batch: Int
  var rows: Int
  var columns: Int
  var depth: Int
  /// Shape of the per-channel scale that broadcasts against the weight tensor.
  var scaleShape: [Int]
  /// True where dimension 0 holds batch and row together (grouped ConvTranspose), so that the broadcast
  /// scale repeats each channel once a row.
  var repeatsScalePerRow = false

  /// The number of output channels.
  var channelCount: Int { batch * columns }
  /// The length K of one channel's dot product.
  var dotLength: Int { rows * depth }

  private var isChannelMajor: Bool { rows == 1 }

  /// The weights as channels x K, row-major.
  func gather(_ weight: Tensor) -> [Float] {
    let source = weight.elements(of: Float.self)
    if isChannelMajor { return source }
    var result = [Float](repeating: 0, count: source.count)
    forEachElement { index, channel, position in
      result[channel * dotLength + position] = source[index]
    }
    return result
  }

  /// A weight tensor of `shape` from values in channels x K order.
  func scatter(_ values: [Float], shape: [Int]) -> Tensor {
    if isChannelMajor { return Tensor(values, shape: shape) }
    return Tensor(shape: shape, of: Float.self) { target in
      forEachElement { index, channel, position in
        target.initializeElement(at: index, to: values[channel * dotLength + position])
      }
    }
  }

  /// The scale tensor for one value a channel.
  func scaleTensor(_ scales: [Float]) -> Tensor {
    if !repeatsScalePerRow { return Tensor(scales, shape: scaleShape) }
    var repeated: [Float] = []
    for group in 0..<batch {
      for _ in 0..<rows { repeated += scales[group * columns..<(group + 1) * columns] }
    }
    return Tensor(repeated, shape: scaleShape)
  }

  private func forEachElement(_ body: (_ index: Int, _ channel: Int, _ position: Int) -> Void) {
    var index = 0
    for b in 0..<batch {
      for r in 0..<rows {
        for c in 0..<columns {
          for d in 0..<depth {
            body(index, b * columns + c, r * depth + d)
            index += 1
          }
        }
      }
    }
  }
}
