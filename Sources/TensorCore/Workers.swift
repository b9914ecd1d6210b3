import Synchronization

/// Threads that each do whole jobs, beside which the loops of ``Parallelism`` divide one.
package enum Workers {
  /// Stack of a thread, of which only what is used takes memory: what a program's first thread has on most systems.
  private static let stackBytes = 8 << 20

  /// Calls `body` on `count` threads at the same time, each with its share of ``Parallelism/threadCount``, and waits for
  /// all; on the calling thread for one.
  package static func run(_ count: Int, _ body: @Sendable (Int) -> Void) {
    guard count > 1 else {
      body(0)
      return
    }
    let share = max(1, Parallelism.threadCount / count)
    withoutActuallyEscaping(body) { body in
      let threads = (0..<count).map { index in
        let job = Job { Parallelism.$threadCountOfTask.withValue(share) { body(index) } }
        return (job, start(job))
      }
      for (job, thread) in threads {
        // A thread that the system refuses leaves its share to the caller.
        if let thread { pthread_join(thread, nil) } else { job.body() }
      }
    }
  }

  private final class Job: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private static func start(_ job: Job) -> pthread_t? {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackBytes)
    var thread = pthread_t()
    let context = Unmanaged.passRetained(job)
    let status = pthread_create(
      &thread, &attributes,
      { context in
        if let context { Unmanaged<Job>.fromOpaque(context).takeRetainedValue().body() }
        return nil
      }, context.toOpaque())
    if status != 0 {
      context.release()
      return nil
    }
    return thread
  }
}
