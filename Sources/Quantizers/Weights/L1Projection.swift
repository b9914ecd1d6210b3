import CKernels
import TensorCore

/// The exact Euclidean projection of each channel's weights onto an l1 ball (EP-init; arXiv
/// 2401.10432, eq. 10 to 15; Duchi et al. 2008): w stays where |w|_1 <= R, else
/// sign(w) max(|w| - theta, 0). O(K) a channel.
public struct L1Projection: Sendable {
  /// R, one a channel.
  public var radii: [Float]

  public init(radii: [Float]) { self.radii = radii }

  /// Projects the rows of `weights`, all finite, in parallel.
  ///
  /// - Precondition: there is a radius for each channel of `layer`.
  public func apply(to weights: UnsafeMutableBufferPointer<Float>, _ layer: WeightLayer) {
    precondition(radii.count == layer.channels, "\(radii.count) radii, \(layer.channels) channels")
    nonisolated(unsafe) let weights = weights
    let grain = max(1, 32768 / max(layer.length, 1))
    Parallelism.forEachRange(count: layer.channels, grain: grain) { range in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 2 * layer.length) { scratch in
        for channel in range {
          let row = layer.row(channel, of: weights)
          let norm = snug_row_absolute(row.baseAddress, row.count, 0).sum
          guard Float(norm) > radii[channel] else { continue }
          let threshold = snug_l1_threshold(
            row.baseAddress, row.count, norm, radii[channel], scratch.baseAddress)
          snug_soft_threshold(row.baseAddress, row.count, threshold)
        }
      }
    }
  }
}
