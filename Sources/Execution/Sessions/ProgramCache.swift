import GraphIR
import TensorCore

/// What a session does for a key.
enum Program {
  case plan(ExecutionPlan)
  /// First a part of the graph; what it gives is then fed.
  case stage(Stage)
  /// What stands under the key with the values of short fed tensors.
  case forValues
}

/// The programs that a session used last.
struct ProgramCache {
  /// The most recently used one stands last.
  private var entries: [(key: PlanKey, program: Program)] = []

  mutating func find(_ key: PlanKey) -> Program? {
    guard let index = entries.lastIndex(where: { $0.key == key }) else { return nil }
    if index != entries.count - 1 { entries.append(entries.remove(at: index)) }
    return entries.last?.program
  }

  /// - Parameter limit: how many programs are kept.
  mutating func add(_ program: Program, for key: PlanKey, limit: Int) {
    if entries.count >= limit { entries.removeFirst() }
    entries.append((key, program))
  }
}
