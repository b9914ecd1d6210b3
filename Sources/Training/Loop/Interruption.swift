import Synchronization

/// A request to stop, made from any thread or from a signal handler.
public final class Interruption: Sendable {
  private let flag = Atomic<Bool>(false)

  public init() {}

  /// The wish to stop of whoever called the job that this task does; jobs look at it where they read samples.
  @TaskLocal public static var ofTask: Interruption?

  /// Asks the training to stop after its current step. Async-signal-safe.
  public func request() { flag.store(true, ordering: .relaxed) }

  public var isRequested: Bool { flag.load(ordering: .relaxed) }
}
