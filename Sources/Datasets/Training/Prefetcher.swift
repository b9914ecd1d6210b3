import Dispatch
import Synchronization
import TensorCore

/// Elements made ahead on background threads, handed out in order.
final class Prefetcher<Element: Sendable>: Sendable {
  private struct State {
    /// The next element to hand out.
    var taken: Int
    /// The next element to begin.
    var begun: Int
    var active = 0
    var isClosed = false
    /// By the element's number modulo the depth.
    var results: [Result<Element, DatasetError>?]

    /// The number of the element to begin now, counted as begun.
    mutating func begin(before end: Int, depth: Int, workers: Int) -> Int? {
      guard !isClosed, begun < end, begun - taken < depth, active < workers else { return nil }
      active += 1
      begun += 1
      return begun - 1
    }
  }

  private let end: Int
  private let depth: Int
  private let workers: Int
  private let make: @Sendable (Int) throws(DatasetError) -> Element
  private let state: Mutex<State>
  /// Signalled for the element that fills a place.
  private let arrivals: [DispatchSemaphore]

  /// - Parameters:
  ///   - numbers: the elements to make.
  ///   - depth: the most elements that are being made or wait to be taken, at least 1.
  ///   - make: called on several threads at once.
  init(
    _ numbers: Range<Int>, depth: Int,
    make: @escaping @Sendable (Int) throws(DatasetError) -> Element
  ) {
    end = numbers.upperBound
    self.depth = depth
    workers = Parallelism.threadCount
    self.make = make
    state = Mutex(
      State(
        taken: numbers.lowerBound, begun: numbers.lowerBound,
        results: Array(repeating: nil, count: depth)))
    arrivals = (0..<depth).map { _ in DispatchSemaphore(value: 0) }
    begin()
  }

  /// The next element, or `nil` after the last. One caller at a time.
  ///
  /// - Throws: what making it threw; the following elements come after it.
  func next() throws(DatasetError) -> Element? {
    let number = state.withLock { $0.taken }
    guard number < end else { return nil }
    arrivals[number % depth].wait()
    let result = state.withLock { state in
      defer { state.results[number % depth] = nil }
      state.taken += 1
      return state.results[number % depth]
    }
    begin()
    return try result?.get()
  }

  /// Begins no further element.
  func close() { state.withLock { $0.isClosed = true } }

  /// Begins as many elements as there are places and threads for.
  private func begin() {
    while let number = state.withLock({ $0.begin(before: end, depth: depth, workers: workers) }) {
      // Threads that compute wait for each other, hence all of them for one whose core is taken.
      DispatchQueue.global(qos: .utility).async { [self] in
        let result = Result { () throws(DatasetError) in try make(number) }
        state.withLock { state in
          state.results[number % depth] = result
          state.active -= 1
        }
        arrivals[number % depth].signal()
        begin()
      }
    }
  }
}
