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
    _ body: (String, YAMLNode, Int?) throws(RecipeFileError) -> Void
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
      try body(scalar.string, value, line)
    }
  }
}

/// One value of a recipe, with what errors about it must name.
struct RecipeValue {
  let node: YAMLNode
  let key: String
  let line: Int?
  let reader: RecipeNodeReader

  func integer() throws(RecipeFileError) -> Int {
    guard case .scalar(let scalar) = node, let value = Int(scalar.string) else {
      throw expected("a whole number")
    }
    return value
  }

  func number() throws(RecipeFileError) -> Double {
    guard case .scalar(let scalar) = node, let value = Double(scalar.string), value.isFinite else {
      throw expected("a number")
    }
    return value
  }

  /// A list of numbers, as a sequence or separated by commas.
  func numbers() throws(RecipeFileError) -> [Double] {
    if case .scalar(let scalar) = node, let values = NumberList(scalar.string) {
      return values.elements
    }
    guard case .sequence(let sequence) = node, !sequence.isEmpty else {
      throw expected("a list of numbers, such as [0.5, 0.5, 0.5]")
    }
    var numbers: [Double] = []
    for element in sequence {
      numbers.append(try RecipeValue(node: element, key: key, line: line, reader: reader).number())
    }
    return numbers
  }

  func string() throws(RecipeFileError) -> String {
    guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw expected("a text") }
    return scalar.string
  }

  func flag() throws(RecipeFileError) -> Bool {
    let text = try string()
    switch text.lowercased() {
    case "on", "true", "yes": return true
    case "off", "false", "no": return false
    default: throw expected("'on' or 'off'")
    }
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(_: Choice.Type = Choice.self)
    throws(RecipeFileError) -> Choice
  {
    let text = try string()
    guard let choice = Choice(rawValue: text) else {
      throw RecipeFileError(
        path: reader.path, line: line, key: key,
        reason: .notAllowed(
          value: text, allowed: Choice.allCases.map(\.rawValue).joined(separator: ", ")))
    }
    return choice
  }

  /// An integer within bounds.
  func integer<Bounds: RangeExpression<Int>>(in bounds: Bounds, _ allowed: String)
    throws(RecipeFileError) -> Int
  {
    let value = try integer()
    guard bounds.contains(value) else { throw notAllowed("\(value)", allowed: allowed) }
    return value
  }

  /// Refuses a value that put a setting of `recipe` outside its range.
  func check(_ recipe: Recipe) throws(RecipeFileError) {
    do throws(RecipeError) {
      try recipe.validate()
    } catch {
      throw notAllowed(error.value, allowed: error.allowed)
    }
  }

  func notAllowed(_ value: String, allowed: String) -> RecipeFileError {
    RecipeFileError(
      path: reader.path, line: line, key: key, reason: .notAllowed(value: value, allowed: allowed))
  }

  func expected(_ what: String) -> RecipeFileError {
    let found =
      switch node {
      case .scalar(let scalar): scalar.string.isEmpty ? "empty" : "'\(scalar.string)'"
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    return RecipeFileError(
      path: reader.path, line: line, key: key, reason: .expected(what, found: found))
  }
}
