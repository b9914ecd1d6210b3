import TensorCore

/// Where the weights of one dot product stand in a layer's weight tensor.
///
/// Every layout that ONNX has is B x R x C x D elements: channel b * C + c reads the K = R * D elements
/// (b, r, c, d). Conv is 1 x 1 x O x K; MatMul with the constant on the right B x K x O x 1; ConvTranspose
/// with g groups g x I/g x O/g x (kernel size).
package struct WeightLayout: Sendable, Hashable {
  package var batch: Int
  package var rows: Int
  package var columns: Int
  package var depth: Int
  /// Shape of the per-channel scale that broadcasts against the weight tensor.
  package var scaleShape: [Int]
  /// True where dimension 0 holds batch and row together (grouped ConvTranspose), so that the broadcast
  /// scale repeats each channel once a row.
  package var repeatsScalePerRow = false

  package init(
    batch: Int, rows: Int, columns: Int, depth: Int, scaleShape: [Int],
    repeatsScalePerRow: Bool = false
  ) {
    self.batch = batch
    self.rows = rows
    self.columns = columns
    self.depth = depth
    self.scaleShape = scaleShape
    self.repeatsScalePerRow = repeatsScalePerRow
  }

  /// The number of output channels.
  package var channelCount: Int { batch * columns }
  /// The length K of one channel's dot product.
  package var dotLength: Int { rows * depth }

  /// True where memory already holds one channel after the other.
  package var isChannelMajor: Bool { rows == 1 }

  /// The weights as channels x K, row-major.
  package func gather(_ weight: Tensor) -> [Float] {
    let source = weight.elements(of: Float.self)
    if isChannelMajor { return source }
    var result = [Float](repeating: 0, count: source.count)
    forEachElement { index, channel, position in
      result[channel * dotLength + position] = source[index]
    }
    return result
  }

  /// Writes integer x scale in the order of the weight tensor.
  ///
  /// - Parameters:
  ///   - integers: channels x K.
  ///   - scales: one a channel.
  package func scatter(
    _ integers: [Int8], scales: [Float], to target: UnsafeMutableBufferPointer<Float>
  ) {
    var index = 0
    integers.withUnsafeBufferPointer { integers in
      for b in 0..<batch {
        for r in 0..<rows {
          for c in b * columns..<(b + 1) * columns {
            let (start, scale) = (c * dotLength + r * depth, scales[c])
            for d in 0..<depth { target[index + d] = Float(integers[start + d]) * scale }
            index += depth
          }
        }
      }
    }
  }

  /// A weight tensor of `shape` from values in channels x K order.
  package func scatter(_ values: [Float], shape: [Int]) -> Tensor {
    if isChannelMajor { return Tensor(values, shape: shape) }
    return Tensor(shape: shape, of: Float.self) { target in
      forEachElement { index, channel, position in
        target.initializeElement(at: index, to: values[channel * dotLength + position])
      }
    }
  }

  /// Copies between the tensor's order and channels x K.
  ///
  /// - Parameter scatters: true from channels x K to the tensor's order.
  package func copy<Element>(
    _ source: UnsafePointer<Element>, to target: UnsafeMutablePointer<Element>, scatters: Bool
  ) {
    forEachElement { index, channel, position in
      let row = channel * dotLength + position
      target[scatters ? index : row] = source[scatters ? row : index]
    }
  }

  /// The scale tensor for one value a channel.
  package func scaleTensor(_ scales: [Float]) -> Tensor {
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
