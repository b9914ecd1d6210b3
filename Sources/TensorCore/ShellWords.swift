/// Words of a command line.
package enum ShellWords {
  /// A line that a POSIX shell reads back as these words.
  package static func line(_ words: [String]) -> String {
    words.map(quoted).joined(separator: " ")
  }

  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        || "-_./=,:+@%".utf8.contains(byte)
    }
    if isPlain, !word.isEmpty { return word }
    // Nothing can be quoted inside single quotes but what is not one.
    return "'"
      + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }
}
