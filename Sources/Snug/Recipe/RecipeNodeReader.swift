import Quantization
import Yams

/// A part of a YAML document; not to be taken for a node of a graph.
typealias YAMLNode = Yams.Node

/// Walks the nodes of one recipe file and words what is wrong with them.
struct RecipeNodeReader {
  let path: String

  /// Calls `body` for each member of a mapping, in the order of the file.
  ///
  /// - Throws: ``RecipeFileError`` if `node` is no mapping or has a key outside `keys`.
  func forEachMember(
    of node: YAMLNode, of keys: [String],
    _ body: (RecipeValue) throws(RecipeFileError) -> Void
  ) throws(RecipeFileError) {
    guard case .mapping(let mapping) = node else {
      throw RecipeFileError(path: path, line: node.mark?.line, reason: .notMapping)
    }
    for (keyNode, value) in mapping {
      let line = keyNode.mark?.line
      guard case .scalar(let scalar) = keyNode else {
        throw RecipeFileError(path: path, line: line, reason: .notMapping)
      }
      guard keys.contains(scalar.string) else {
        throw RecipeFileError(
          path: path, line: line, key: scalar.string,
          reason: .unknownKey(suggestion: Spelling.nearest(to: scalar.string, among: keys)))
      }
      try body(RecipeValue(node: value, key: scalar.string, line: line, reader: self))
    }
  }
}

/// One value of a recipe, with what errors about it must name.
struct RecipeValue {
  let node: YAMLNode
  let key: String
  let line: Int?
  let reader: RecipeNodeReader

  func string() throws(RecipeFileError) -> String {
    guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw expected("a text") }
    return scalar.string
  }

  /// Gives the value to the setting of `settings` that the key names.
  func set<Root>(_ settings: [Setting<Root>], in root: inout Root) throws(RecipeFileError) {
    guard let setting = settings.first(where: { $0.name == key }) else { return }
    do {
      try setting.set(text, in: &root)
    } catch {
      switch error {
      case .expected(let what, let found): throw expected(what, found: found)
      case .malformed(let problem): throw self.error(.malformed(problem))
      case .notAllowed(let value, let allowed):
        let question = Spelling.question(about: value, among: setting.choices)
        throw self.error(.notAllowed(value: value, allowed: allowed + question))
      }
    }
  }

  private var text: SettingText {
    switch node {
    case .scalar(let scalar): return .scalar(scalar.string)
    case .sequence(let sequence):
      var parts: [String] = []
      for element in sequence {
        guard case .scalar(let scalar) = element else { return .other }
        parts.append(scalar.string)
      }
      return .list(parts)
    case .mapping, .alias: return .other
    }
  }

  /// - Parameter part: what is wrong in the value; `nil` where that is the whole value.
  func expected(_ what: String, found part: String? = nil) -> RecipeFileError {
    let found =
      switch node {
      case _ where part != nil: "'\(part ?? "")'"
      case .scalar(let scalar): scalar.string.isEmpty ? "empty" : "'\(scalar.string)'"
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    return error(.expected(what, found: found))
  }

  private func error(_ reason: RecipeFileError.Reason) -> RecipeFileError {
    RecipeFileError(path: reader.path, line: line, key: key, reason: reason)
  }
}
