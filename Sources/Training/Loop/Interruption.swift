import Synchronization

/// A wish to stop, from any thread or from a signal handler.
public final class Interruption: Sendable {
  private let flag = Atomic<Bool>(false)

  public init() {}

  /// Asks the training to stop after the step that it is in. Async-signal-safe.
  public func request() { flag.store(true, ordering: .relaxed) }

  public var isRequested: Bool { flag.load(ordering: .relaxed) }
}
