/// Finds the word that a mistyped one was probably meant to be.
package enum Spelling {
  /// The nearest candidate by edit distance, or one that `word` begins; `nil` if there is neither.
  package static func nearest(to word: String, among candidates: [String]) -> String? {
    let limit = max(2, word.count / 3)
    // A long word from a hostile file is no misspelling, and the distance takes quadratic time.
    guard word.utf8.count <= 64 else { return nil }
    let ranked = candidates.map { (candidate: $0, distance: distance(word, $0)) }
    return ranked.filter { $0.distance <= limit }.min { $0.distance < $1.distance }?.candidate
      ?? (word.isEmpty ? nil : candidates.first { $0.hasPrefix(word) })
  }

  /// A question for what follows a list of what is allowed; empty where no candidate is near.
  package static func question(about word: String, among candidates: [String]) -> String {
    nearest(to: word, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
  }

  /// Levenshtein distance over characters.
  static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var previous = Array(0...b.count)
    for (row, character) in a.enumerated() {
      var current = [row + 1]
      for (column, other) in b.enumerated() {
        let substitution = previous[column] + (character == other ? 0 : 1)
        current.append(min(substitution, previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous[b.count]
  }
}
