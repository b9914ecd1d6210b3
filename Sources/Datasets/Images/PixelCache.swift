import Synchronization

/// Decoded images, which are kept from their first read on while memory allows.
///
/// An image that is kept stays: an epoch visits every image once, so that making room for the latest would only
/// replace those that are needed next.
final class PixelCache: Sendable {
  private struct State {
    var images: [UnsafeMutableBufferPointer<UInt8>?]
    var bytes = 0
  }

  private let budget: PixelBudget
  private let state: Mutex<State>

  init(count: Int, budget: PixelBudget = .shared) {
    self.budget = budget
    state = Mutex(State(images: Array(repeating: nil, count: count)))
  }

  deinit {
    state.withLock { state in
      for case let image? in state.images { image.deallocate() }
      budget.give(state.bytes)
    }
  }

  /// The pixels of an image, if it is kept; they then neither change nor move.
  func pixels(_ index: Int) -> UnsafeBufferPointer<UInt8>? {
    nonisolated(unsafe) let image = state.withLock { $0.images[index] }
    return image.map { UnsafeBufferPointer($0) }
  }

  /// Keeps a copy of an image unless the memory is used up.
  func store(_ pixels: [UInt8], _ index: Int) {
    guard !pixels.isEmpty, budget.take(pixels.count) else { return }
    let isStored = state.withLock { state in
      // Another thread may have read the same image meanwhile.
      guard state.images[index] == nil else { return false }
      let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: pixels.count)
      _ = copy.initialize(from: pixels)
      state.images[index] = copy
      state.bytes += pixels.count
      return true
    }
    if !isStored { budget.give(pixels.count) }
  }
}
