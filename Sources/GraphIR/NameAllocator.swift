/// Hands out names that are unique within one graph.
struct NameAllocator: Sendable {
  private var taken: Set<String> = []
  private var next: [String: Int] = [:]

  /// Takes the name `proposal` where it is free, otherwise `proposal_1`, `proposal_2` and so on.
  mutating func claim(_ proposal: String) -> String {
    if taken.insert(proposal).inserted { return proposal }
    var number = next[proposal, default: 1]
    while !taken.insert("\(proposal)_\(number)").inserted { number += 1 }
    next[proposal] = number + 1
    return "\(proposal)_\(number)"
  }

  func isTaken(_ name: String) -> Bool { taken.contains(name) }

  mutating func release(_ name: String) { taken.remove(name) }
}
