import Dispatch
import Synchronization
import TensorCore

/// Makes elements ahead on background threads, and hands them out in order.
final class Prefetcher<Element: Sendable>: Sendable {
  private struct State {
    /// The next element to hand out.
    var taken: Int
    /// The next element to begin.
    var begun: Int
    var active = 0
    var isClosed = false
    /// The results, at the element's number modulo the depth.
    var results: [Result<Element, DatasetError>?]

    /// Takes the number of the next element to begin; `nil` where none can be begun now.
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
  /// The semaphores that are signalled when a place holds its element.
  private let arrivals: [DispatchSemaphore]

  /// - Parameters:
  ///   - numbers: the numbers of the elements to make.
  ///   - depth: the largest number of elements that are being made or wait to be taken, at least 1.
  ///   - make: makes an element; called on several threads at once.
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
  /// - Throws: the error of making it; the following elements come after it.
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
      // The priority is low: threads that compute wait for each other, and so all of them for one whose core is
      // taken.
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
