import Quantization
import TensorCore
import Yams

/// A recipe: the long options of `snug convert` as the keys of a YAML mapping, and `layers`, a list of
/// overrides for single layers.
///
///     method: a2q+
///     accumulator-bits: 12
///     mean: [0.4914, 0.4822, 0.4465]
///     layers:
///       - match: "*/depthwise"      # node names; * stands for any run of characters
///         method: a2q
///
/// Paths mean the same as on the command line.
public enum RecipeFile {
  static let sizeLimit = 1 << 20
  /// The number of aliases (`*name`), each of which stands for a whole part of the document: a few lines of them can
  /// demand very much.
  static let aliasLimit = 8

  /// Sets those `options` that the file names.
  ///
  /// - Throws: ``SnugError/recipe(_:)`` for the first line that can't be used.
  public static func apply(_ path: String, to options: inout ConversionOptions)
    throws(SnugError)
  {
    do {
      try apply(text: try contents(of: path), path: path, to: &options)
    } catch {
      throw .recipe(error)
    }
  }

  /// Sets those `options` that `text` names; `path` is only named in errors.
  static func apply(text: String, path: String, to options: inout ConversionOptions)
    throws(RecipeFileError)
  {
    try apply(
      text: text, path: path, ConversionOptions.settings, layers: \.recipe.layers, to: &options)
  }

  /// Sets what `text` names of a table.
  ///
  /// - Parameters:
  ///   - path: what errors name.
  ///   - layers: where overrides for single layers go; `nil` where there are none.
  static func apply<Root>(
    text: String, path: String, _ settings: [Setting<Root>],
    layers: WritableKeyPath<Root, [Recipe.LayerOverride]>? = nil, to root: inout Root
  ) throws(RecipeFileError) {
    guard let document = try compose(text, path: path) else { return }
    let reader = RecipeNodeReader(path: path)
    let names = settings.map(\.name) + (layers == nil ? [] : [layersKey])
    try reader.forEachMember(of: document, of: names) { (value) throws(RecipeFileError) in
      if let layers, value.key == layersKey {
        root[keyPath: layers] += try overrides(value)
      } else {
        try value.set(settings, in: &root)
      }
    }
  }

  /// The key of the list of overrides.
  static let layersKey = "layers"
  /// The key of an override that says which layers it is for.
  private static let matchKey = "match"

  private static func overrides(_ list: RecipeValue) throws(RecipeFileError)
    -> [Recipe.LayerOverride]
  {
    guard case .sequence(let sequence) = list.node else {
      throw list.expected("a list of overrides, each with '\(matchKey)'")
    }
    var overrides: [Recipe.LayerOverride] = []
    for node in sequence { overrides.append(try override(node, of: list)) }
    return overrides
  }

  private static func override(_ node: YAMLNode, of list: RecipeValue) throws(RecipeFileError)
    -> Recipe.LayerOverride
  {
    var layer = Recipe.LayerOverride(match: "")
    let names = [matchKey] + Recipe.LayerOverride.settings.map(\.name)
    try list.reader.forEachMember(of: node, of: names) { (value) throws(RecipeFileError) in
      if value.key == matchKey {
        layer.match = try value.string()
      } else {
        try value.set(Recipe.LayerOverride.settings, in: &layer)
      }
    }
    guard !layer.match.isEmpty else {
      throw RecipeFileError(
        path: list.reader.path, line: node.mark?.line, key: list.key,
        reason: .missingKey(matchKey))
    }
    return layer
  }

  /// A recipe that repeats a conversion, a layer of its overrides on each line.
  ///
  /// - Parameter heading: lines of a comment.
  static func text(_ options: ConversionOptions, heading: [String]) -> String {
    var lines = heading.map { "# \($0)" }
    for member in options.recipeJSON.objectValue ?? [] {
      guard member.key == layersKey, let layers = member.value.arrayValue else {
        lines.append("\(member.key): \(member.value.text())")
        continue
      }
      lines.append("\(layersKey):")
      lines += layers.map { "  - \($0.text())" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func compose(_ text: String, path: String) throws(RecipeFileError) -> YAMLNode? {
    guard aliasCount(text) <= aliasLimit else {
      throw RecipeFileError(path: path, reason: .tooManyAliases(limit: aliasLimit))
    }
    do {
      return try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw RecipeFileError(yaml: error, path: path)
    } catch {
      throw RecipeFileError(path: path, reason: .syntax("\(error)"))
    }
  }

  /// The stars that may begin an alias: those after a blank or a sign of the syntax, and before a name.
  private static func aliasCount(_ text: String) -> Int {
    let blanks = Array(" \t\r\n".utf8)
    let before = blanks + Array("[{,:?-".utf8)
    var (count, last, isStar) = (0, UInt8(ascii: " "), false)
    for byte in text.utf8 {
      if isStar, !blanks.contains(byte) { count += 1 }
      isStar = byte == UInt8(ascii: "*") && before.contains(last)
      last = byte
    }
    return count
  }

  static func contents(of path: String) throws(RecipeFileError) -> String {
    let bytes: [UInt8]
    do {
      let file = try InputFile(path: path)
      var buffer = [UInt8](repeating: 0, count: sizeLimit + 1)
      let count = try buffer.withUnsafeMutableBufferPointer { (bytes) throws(FileError) in
        try file.read(into: UnsafeMutableRawBufferPointer(bytes))
      }
      bytes = Array(buffer.prefix(count))
    } catch {
      throw RecipeFileError(path: path, reason: .unreadable(error))
    }
    guard bytes.count <= sizeLimit else {
      throw RecipeFileError(path: path, reason: .tooLarge(limit: sizeLimit))
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw RecipeFileError(path: path, reason: .notUTF8)
    }
    return text
  }
}

extension RecipeFileError {
  init(yaml error: YamlError, path: String) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      self.init(path: path, line: mark.line, reason: .syntax(problem))
    case .duplicatedKeysInMapping(let duplicates, let context):
      self.init(
        path: path, line: context.mark.line, key: duplicates.sorted().first, reason: .duplicateKey)
    case .reader(let problem, _, _, _): self.init(path: path, reason: .syntax(problem))
    default: self.init(path: path, reason: .syntax("\(error)"))
    }
  }

  init(path: String, reason: Reason) {
    self.init(path: path, line: nil, key: nil, reason: reason)
  }

  init(path: String, line: Int?, reason: Reason) {
    self.init(path: path, line: line, key: nil, reason: reason)
  }
}
