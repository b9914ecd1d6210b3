/// A name, or a pattern of names in which `*` stands for any run of characters.
package enum NamePattern {
  /// Whether `name` fits `pattern`.
  package static func matches(_ pattern: String, _ name: String) -> Bool {
    let pattern = Array(pattern.utf8)
    let name = Array(name.utf8)
    let star = UInt8(ascii: "*")
    var p = 0
    var n = 0
    // Where to go on after a mismatch: behind the last star, one character further in the name.
    var retry: (p: Int, n: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == star {
        retry = (p + 1, n)
        p += 1
      } else if p < pattern.count, pattern[p] == name[n] {
        p += 1
        n += 1
      } else if let last = retry {
        p = last.p
        n = last.n + 1
        retry = (last.p, n)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == star }
  }
}
