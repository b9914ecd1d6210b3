import GraphIR
import TensorCore

/// Where a model comes from: its file, and what the file says of how it was made.
public struct Provenance: Sendable, Hashable {
  /// The model's file, then the files with its external data; empty for a model in memory.
  public var files: [FileIdentity] = []
  /// The version of Snug that made the model; `nil` for another program's, or where it doesn't say.
  public var version: String?
  /// The model and the data that it was made from, by their content.
  public var sources: JSONValue = .null
  /// The options of its conversion, with the seed.
  public var recipe: JSONValue = .null

  public init() {}
}

extension Provenance {
  /// The keys of the model's metadata that a conversion writes.
  package enum Key {
    package static let version = "snug.version"
    package static let recipe = "snug.recipe"
    package static let sources = "snug.sources"
  }

  /// The most bytes of a text that is read: a recipe with widths for thousands of layers has fewer.
  private static let textLimit = 1 << 18

  /// What a model states. It is no part of a verdict; a text that can't be read is left out.
  package init(statedIn model: Model, files: [FileIdentity]) {
    self.files = files
    func text(_ key: String) -> String? { model.metadata.first { $0.key == key }?.value }
    func document(_ key: String) -> JSONValue {
      text(key).flatMap { $0.utf8.count <= Self.textLimit ? try? JSONValue(parsing: $0) : nil }
        ?? .null
    }
    version = text(Key.version)
    sources = document(Key.sources)
    recipe = document(Key.recipe)
  }

  /// The member of `inspect --json`; `nil` where nothing is known.
  var json: JSONValue? {
    if self == Provenance() { return nil }
    return [
      "files": .array(files.map(\.json)), "version": version.map { .string($0) } ?? .null,
      "sources": sources, "recipe": recipe,
    ]
  }
}

/// Provenance as the page shows it.
struct ProvenanceView {
  struct Pair {
    let name: String
    let value: String
  }

  let pairs: [Pair]
  /// The recipe as a file that repeats the conversion; `nil` where none is stated.
  let recipe: String?

  init(_ report: InspectionReport, _ comparison: ModelComparison?) {
    var pairs: [Pair] = []
    func add(_ name: String, _ value: String?) {
      if let value, !value.isEmpty { pairs.append(Pair(name: name, value: value.printable)) }
    }
    func files(_ name: String, _ value: JSONValue?) {
      for file in value?.arrayValue ?? [] { add(name, Self.file(file)) }
    }
    let provenance = report.provenance
    files("File", .array(provenance.files.map(\.json)))
    add("Written by", report.model.producer)
    add("Converted by", provenance.version.map { "Snug \($0)" })
    files("Made from", provenance.sources["model"])
    add("Calibrated or trained on", provenance.sources["data"]?.stringValue)
    add("Seed", provenance.recipe["seed"]?.integerValue.map { "\($0)" })
    if let comparison {
      files("Compared with", comparison.sources["reference"])
      add(
        "Compared on",
        comparison.sources["data"]?.stringValue.map { data in
          let seed = comparison.sources["seed"]?.integerValue.map { ", drawn by seed \($0)" } ?? ""
          return "\(comparison.samples) samples of \(data)\(seed)"
        })
    }
    self.pairs = pairs
    recipe = provenance.recipe.objectValue.map { members in
      members.map { "\($0.key): \($0.value.text())".printable }.joined(separator: "\n")
    }
  }

  private static func file(_ file: JSONValue) -> String? {
    guard let name = file["name"]?.stringValue, let hash = file["sha256"]?.stringValue,
      let bytes = file["bytes"]?.integerValue
    else { return nil }
    return "\(name), \(bytes) bytes, SHA-256 \(hash)"
  }
}
