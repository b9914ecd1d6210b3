import Synchronization

/// Decoded images of one size, kept from the first read on.
final class PixelCache: Sendable {
  /// The largest cache, in bytes.
  static let limit = 512 << 20

  nonisolated(unsafe) private let memory: UnsafeMutablePointer<UInt8>
  private let imageSize: Int
  private let isReady: Mutex<[Bool]>

  /// - Returns: `nil` where all images together exceed ``limit``.
  init?(count: Int, imageSize: Int) {
    let (size, overflow) = count.multipliedReportingOverflow(by: imageSize)
    guard !overflow, size <= Self.limit else { return nil }
    // The system provides pages as they are written to.
    memory = .allocate(capacity: size)
    self.imageSize = imageSize
    isReady = Mutex([Bool](repeating: false, count: count))
  }

  deinit { memory.deallocate() }

  /// The pixels of an image, if they are there. An image never changes once it is.
  func pixels(_ index: Int) -> UnsafeBufferPointer<UInt8>? {
    guard isReady.withLock({ $0[index] }) else { return nil }
    return UnsafeBufferPointer(start: memory + index * imageSize, count: imageSize)
  }

  /// Keeps a copy of an image.
  func store(_ pixels: [UInt8], _ index: Int) {
    precondition(pixels.count == imageSize, "an image of another size than the cache's")
    isReady.withLock { isReady in
      if isReady[index] { return }
      pixels.withUnsafeBufferPointer { pixels in
        if let base = pixels.baseAddress {
          (memory + index * imageSize).initialize(from: base, count: imageSize)
        }
      }
      isReady[index] = true
    }
  }
}
