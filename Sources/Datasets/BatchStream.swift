import Dispatch
import Synchronization

/// Batches of a data set in a given order, of which the next one is read while the caller works on the current one.
package final class BatchStream: Sendable {
  private struct State {
    var next = 0
    var ready: Result<Batch, DatasetError>?
  }

  private let dataset: any Dataset
  private let plan: [[Int]]
  private let state = Mutex(State())
  private let arrival = DispatchSemaphore(value: 0)

  /// - Parameter plan: the samples of each batch, such as those that ``sequentialPlan(_:batchSize:limit:)`` gives.
  package init(_ dataset: any Dataset, plan: [[Int]]) {
    self.dataset = dataset
    self.plan = plan
    if !plan.isEmpty { read(plan[0]) }
  }

  /// All samples in order, in batches of at most `batchSize` samples of equal shape.
  ///
  /// - Parameter limit: the number of samples after which to stop.
  package static func sequentialPlan(
    _ dataset: any Dataset, batchSize: Int, limit: Int = .max
  ) -> [[Int]] {
    var plan: [[Int]] = []
    var shape: [Int] = []
    for index in 0..<min(dataset.count, max(limit, 0)) {
      let next = dataset.sampleShape(at: index)
      if let last = plan.last, last.count < batchSize, next == shape, dataset.isStackable {
        plan[plan.count - 1].append(index)
      } else {
        plan.append([index])
        shape = next
      }
    }
    return plan
  }

  /// The number of batches.
  package var count: Int { plan.count }

  /// The next batch, or `nil` after the last. One caller at a time.
  ///
  /// - Throws: the error of reading that batch; the stream continues with the batch after it.
  package func next() throws(DatasetError) -> Batch? {
    guard state.withLock({ $0.next < plan.count }) else { return nil }
    arrival.wait()
    let (result, following) = state.withLock { state in
      defer { state.ready = nil }
      state.next += 1
      return (state.ready, state.next)
    }
    if following < plan.count { read(plan[following]) }
    return try result?.get()
  }

  private func read(_ indices: [Int]) {
    DispatchQueue.global(qos: .userInitiated).async { [self] in
      let result = Result { () throws(DatasetError) in try dataset.batch(indices) }
      state.withLock { $0.ready = result }
      arrival.signal()
    }
  }
}
