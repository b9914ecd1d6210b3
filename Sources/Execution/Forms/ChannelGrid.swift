import CKernels
import DNNEngine
import TensorCore

/// A tensor seen as samples x channels x positions, as the kernels over chains of element-wise steps walk it.
///
/// The channel is dimension 1; tensors of other ranks than those of layers (and rows of features) are seen as
/// positions of their last dimension.
package struct ChannelGrid: Sendable, Hashable {
  let shape: [Int]
  let samples: Int
  let positions: Int
  let channels: Int
  /// True where the last dimension is the channel.
  let isRows: Bool

  /// - Parameter isRows: true to take the last dimension as the channel; it is that anyway up to rank 2.
  package init(_ shape: [Int], isRows: Bool = false) {
    self.shape = shape
    self.isRows = isRows || shape.count <= 2
    if self.isRows {
      channels = shape.last ?? 1
      samples = 1
      positions = shape.dropLast().reduce(1, *)
    } else {
      channels = shape[1]
      samples = shape[0]
      positions = shape[2...].reduce(1, *)
    }
  }

  /// Channels filled up to whole blocks.
  var paddedChannels: Int { (channels + blockSize - 1) / blockSize * blockSize }

  /// The layout with the channel innermost.
  package func channelsLast() throws(KernelError) -> TensorLayout {
    if isRows { return .rowMajor }
    return try KernelError.engine(
      TensorLayout(
        try MemoryDescriptor(shape: shape, order: [0] + Array(2..<shape.count) + [1])))
  }

  /// The strides of a layout, or `nil` where channels don't stand in blocks.
  func view(of layout: TensorLayout) -> snug_view? {
    let rows = snug_view(
      sample: channels * positions, block: blockSize, position: channels, padded: 0)
    switch layout {
    case .rowMajor: return isRows || positions == 1 || channels == 1 ? rows : nil
    case .engine(let descriptor):
      if isRows { return nil }
      if let block = descriptor.channelBlock {
        guard block == blockSize else { return nil }
        let stride = blockSize * positions
        return snug_view(
          sample: paddedChannels / blockSize * stride, block: stride, position: blockSize,
          padded: 1)
      }
      let channelsLast = [0] + Array(2..<shape.count) + [1]
      guard let order = descriptor.order,
        order.filter({ shape[$0] != 1 }) == channelsLast.filter({ shape[$0] != 1 })
      else { return nil }
      return rows
    }
  }

  /// The parts in which the grid is worked on: they depend on the shape alone, so that sums taken over parts
  /// and added in order are the same for any number of threads.
  var parts: Parts { Parts(samples: samples, positions: positions, channels: channels) }

  struct Parts: Sendable, Hashable {
    let samples: Int
    let positions: Int
    /// Positions of a part.
    let length: Int
    let perSample: Int

    init(samples: Int, positions: Int, channels: Int) {
      self.samples = samples
      self.positions = positions
      // About as many elements as fill the second-level cache.
      length = max(32, min(max(positions, 1), (1 << 16) / max(channels, 1)))
      perSample = max(1, (positions + length - 1) / length)
    }

    var count: Int { samples * perSample }

    /// Calls `body` for each part, in parallel.
    ///
    /// - Parameter shared: what is safe to use from several threads at once.
    func forEach<each Shared>(
      sharing shared: repeat each Shared,
      do body:
        @Sendable (
          _ part: Int, _ sample: Int, _ begin: Int, _ end: Int, repeat each Shared
        ) -> Void
    ) {
      Parallelism.forEachRange(count: count, sharing: repeat each shared) {
        (range: Range<Int>, shared: repeat each Shared) in
        for part in range {
          let (sample, chunk) = part.quotientAndRemainder(dividingBy: perSample)
          body(
            part, sample, chunk * length, min((chunk + 1) * length, positions),
            repeat each shared)
        }
      }
    }
  }
}

/// Neighbouring channels that a step works on at once.
private let blockSize = Int(SNUG_BLOCK)
