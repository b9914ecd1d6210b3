/// How far a long job has come.
public struct JobProgress: Sendable, Hashable {
  /// What is being done, such as `calibrating`.
  public var activity: String
  public var completed: Int
  public var total: Int
  /// What is counted, in the plural, such as `samples`.
  public var unit: String

  public init(activity: String, completed: Int, total: Int, unit: String) {
    self.activity = activity
    self.completed = completed
    self.total = total
    self.unit = unit
  }
}

/// Receives progress, from the thread that does the job and often; it must return soon.
public typealias ProgressHandler = @Sendable (JobProgress) -> Void
