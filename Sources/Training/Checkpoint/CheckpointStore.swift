import TensorCore

/// The folder of `--checkpoint-dir`, with the state to resume from and the state with the best metric.
package struct CheckpointStore: Sendable, Hashable {
  package let folder: String

  package enum Slot: String, Sendable, Hashable, CaseIterable {
    case latest, best
  }

  /// Makes the folder where it is missing.
  ///
  /// - Throws: ``CheckpointError/file(_:)``.
  package init(folder: String) throws(CheckpointError) {
    try CheckpointError.wrapping(try FilePath.makeFolder(folder))
    self.folder = folder
  }

  /// `latest.snugstate` or `best.snugstate` in the folder.
  package func path(_ slot: Slot) -> String { Self.path(slot, in: folder) }

  /// The file of a ``CheckpointLock``.
  static func lockPath(in folder: String) -> String { "\(folder)/.lock" }

  /// The files that a training may write in a folder, whether or not the folder or the files exist.
  package static func files(in folder: String) -> [String] {
    Slot.allCases.map { path($0, in: folder) } + [lockPath(in: folder)]
  }

  private static func path(_ slot: Slot, in folder: String) -> String {
    "\(folder)/\(slot.rawValue).snugstate"
  }

  /// Whether there is a file to restore from, which may still prove unusable.
  package func contains(_ slot: Slot) -> Bool { (try? FilePath.resolved(path(slot))) != nil }

  /// Writes a state; the previous one stays until this one is complete.
  ///
  /// - Parameter arrays: written from their own memory; names must differ.
  /// - Throws: ``CheckpointError/file(_:)``.
  package func save(
    _ header: CheckpointHeader, _ arrays: [NamedArray], as slot: Slot
  ) throws(CheckpointError) {
    try CheckpointWriter.write(header, arrays, to: path(slot))
  }

  /// The header of a state, to be looked at before anything is allocated.
  ///
  /// - Throws: ``CheckpointError`` where the file is missing, foreign or damaged.
  package func header(of slot: Slot) throws(CheckpointError) -> CheckpointHeader {
    try CheckpointReader(path: path(slot)).header
  }

  /// Reads a state straight into the arrays.
  ///
  /// - Parameters:
  ///   - arrays: the arrays that were saved, by name, in any order.
  ///   - configuration: what ``CheckpointHeader/configuration`` of the file must equal, member by member.
  /// - Throws: ``CheckpointError``; the arrays are then as before, unless the disk failed while it was read.
  package func restore(
    _ slot: Slot, into arrays: [NamedArray], configuration: JSONValue
  ) throws(CheckpointError) -> CheckpointHeader {
    let reader = try CheckpointReader(path: path(slot))
    let differences = reader.differences(from: configuration)
    guard differences.isEmpty else {
      throw .otherConfiguration(path: path(slot), differences)
    }
    try reader.read(into: arrays)
    return reader.header
  }
}
