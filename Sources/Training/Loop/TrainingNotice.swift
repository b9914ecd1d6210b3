import TensorCore

/// What a user should know about a training that proceeds nevertheless.
public enum TrainingNotice: Sendable, Hashable {
  /// The state was saved by a run with another number of threads, on which the way oneDNN splits sums over a batch
  /// depends.
  case otherThreadCount(path: String, saved: Int, given: Int)
}

extension TrainingNotice: CustomStringConvertible {
  /// One line that says what to do.
  public var description: String {
    switch self {
    case .otherThreadCount(let path, let saved, let given):
      "\(path.singleLine): was saved with \(saved) thread\(saved == 1 ? "" : "s"), this run has \(given): "
        + "the result may differ from that of an uninterrupted run; give --threads \(saved) for the same bytes"
    }
  }
}
