import TensorCore

/// Files that jobs make beside models.
enum OutputFile {
  /// Writes a whole text file; whatever was at the path stays until it is complete.
  static func write(_ text: String, to path: String) throws(SnugError) {
    do {
      try AtomicFile.write(Array(text.utf8), to: path)
    } catch {
      throw .file(error)
    }
  }
}
