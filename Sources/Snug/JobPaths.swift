import Datasets
import OnnxFormat
import TensorCore
import Training

/// All files and folders that a job reads and writes, each with the option that names it.
///
/// Whatever a job writes is entered here before it writes anything, and ``check()`` then refuses an output that is,
/// contains, lies in or links to an input or another output: nothing that a user has is replaced but by the
/// option that was meant to.
///
///     var paths = JobPaths()
///     paths.readModel("model.onnx")
///     paths.read("images", as: "--data")
///     paths.write("out.onnx", .model, as: "--output")
///     try paths.check()
public struct JobPaths: Sendable {
  /// What an output is.
  public enum Output: Sendable, Hashable {
    /// A model, which is read again once it is written; with it goes the file of its larger tensors.
    case model
    /// A file that replaces the one before as a whole, or a device or pipe.
    case file
    /// A file that is written bit by bit, or a device or pipe.
    case log
    case folder
    /// A folder of training states.
    case states
    /// A folder of a sweep.
    case sweep
    /// A file whose folder need not exist yet.
    case part
  }

  private enum Use: Hashable {
    case input
    case output(Output)
  }

  private struct Entry: Hashable {
    var option: String
    var path: String
    var use: Use
  }

  private var entries: [Entry] = []

  public init() {}

  /// Enters an input, a file or a folder.
  ///
  /// - Parameter option: how messages call it, such as `--data`.
  public mutating func read(_ path: String, as option: String) {
    guard add(Entry(option: option, path: path, use: .input)) else { return }
    for file in DatasetLoader.companions(of: path) {
      add(Entry(option: option, path: file, use: .input))
    }
  }

  /// Enters a model, and the files with its external data as far as they can be read.
  public mutating func readModel(_ path: String, as option: String = "the model") {
    guard add(Entry(option: option, path: path, use: .input)) else { return }
    // A model that can't be read is refused by the job itself, before it writes anything.
    for file in (try? OnnxReader.externalFiles(path: path)) ?? [] {
      read(file, as: "external data of \(option)")
    }
  }

  /// Enters an output.
  public mutating func write(_ path: String, _ output: Output, as option: String) {
    guard add(Entry(option: option, path: path, use: .output(output))) else { return }
    switch output {
    case .model:
      write(OnnxWriter.externalDataPath(of: path), .part, as: "external data of \(option)")
    case .states:
      for file in CheckpointStore.files(in: path) { write(file, .part, as: option) }
    case .sweep:
      for file in SweepFolder.files(in: path) { write(file, .part, as: option) }
    case .file, .log, .folder, .part: break
    }
  }

  /// Enters what a conversion reads and writes besides its model and the result.
  mutating func add(_ options: ConversionOptions) {
    if let data = options.data { read(data, as: "--data") }
    if let validation = options.validation { read(validation, as: "--validation") }
    for file in options.preprocessing.constantFiles { read(file, as: "--constant") }
    let outputs = options.trainingOutputs
    if let folder = outputs.checkpoints { write(folder, .states, as: "--checkpoint-dir") }
    for log in [outputs.csv, outputs.jsonLines] {
      if let log { write(log, .log, as: "--log") }
    }
    if let plot = outputs.plot { write(plot, .file, as: "--plot") }
  }

  @discardableResult
  private mutating func add(_ entry: Entry) -> Bool {
    if entries.contains(entry) { return false }
    entries.append(entry)
    return true
  }

  /// Fails where an output must not be written, and early where one can't be.
  ///
  /// - Throws: ``SnugError/paths(_:)``, ``SnugError/specialOutput(option:path:_:)`` or ``SnugError/file(_:)``.
  public func check() throws(SnugError) {
    // Most jobs of a library or a command write nothing.
    guard entries.contains(where: { $0.use != .input }) else { return }
    let located = entries.map { (entry: $0, location: FileLocation($0.path)) }
    for (index, (entry, location)) in located.enumerated() {
      guard case .output(let output) = entry.use else { continue }
      for (other, (theirs, place)) in located.enumerated() where other != index {
        // Two outputs are compared once.
        if theirs.use != .input, other > index { continue }
        guard let relation = Self.relation(entry, location, theirs, place) else { continue }
        throw .paths(
          PathConflict(
            option: entry.option, path: entry.path, relation: relation, otherOption: theirs.option,
            otherPath: theirs.path))
      }
      if let reason = Self.refusal(of: output, at: location) {
        throw .specialOutput(option: entry.option, path: entry.path, reason)
      }
    }
    try checkLinks(located)
    for (entry, location) in located where location.kind != .special {
      guard entry.use == .output(.model) || entry.use == .output(.file) else { continue }
      // A file that is begun and not committed leaves nothing behind.
      try SnugError.wrapping(SnugError.file) { () throws(FileError) in
        _ = try AtomicFile(replacing: entry.path)
      }
    }
  }

  /// Fails where something in a folder of data leads to an output.
  private func checkLinks(_ located: [(entry: Entry, location: FileLocation)]) throws(SnugError) {
    let outputs = located.filter { $0.entry.use != .input }
    for (entry, location) in located where entry.use == .input && location.kind == .folder {
      guard let link = FileLocation.link(in: entry.path, to: outputs.map(\.location)) else {
        continue
      }
      let output = outputs[link.index].entry
      throw .paths(
        PathConflict(
          option: output.option, path: output.path, relation: .linked, otherOption: entry.option,
          otherPath: link.path))
    }
  }

  private static func relation(
    _ output: Entry, _ location: FileLocation, _ other: Entry, _ place: FileLocation
  ) -> PathConflict.Relation? {
    if location.isSame(as: place) { return .same }
    // A folder contains the files that the same option writes there.
    if output.option == other.option { return nil }
    if location.contains(place) { return .contains }
    return place.contains(location) ? .inside : nil
  }

  private static func refusal(of output: Output, at location: FileLocation) -> SpecialOutput? {
    switch output {
    case .model where location.kind == .special: .model
    case .model, .file, .log: location.isInherited && location.kind == .file ? .redirected : nil
    case .folder, .states, .sweep, .part: nil
    }
  }
}

/// An output that is, contains, or lies in an input or another output.
public struct PathConflict: Sendable, Hashable {
  public enum Relation: Sendable, Hashable {
    case same, contains, inside
    /// A link inside the other leads to it.
    case linked
  }

  public var option: String
  public var path: String
  public var relation: Relation
  public var otherOption: String
  public var otherPath: String
}

/// Why an output that is no ordinary file is refused.
public enum SpecialOutput: Sendable, Hashable {
  /// A device or pipe, from which a model can't be read again to certify it.
  case model
  /// A name such as `/dev/stdout` of a file that the shell has opened, and that other output goes to.
  case redirected
}
