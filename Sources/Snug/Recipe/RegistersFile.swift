import AccumulatorBounds
import TensorCore
import Yams

/// Registers as a user names them: by a name, by a YAML file that describes them, or by the description itself.
///
///     name: two-of-16
///     operands: values            # or u8s8, s8s8
///     stages:
///       - {length: 2, bits: 16, overflow: saturate, products: channels-last}
///       - {bits: 32, overflow: wrap}
public enum RegistersFile {
  /// Reads a name, the path of a file, or a description in braces.
  ///
  /// - Throws: ``SnugError/registers(_:reason:)`` where there are no such registers.
  public static func registers(_ text: String) throws(SnugError) -> Registers {
    if let named = Registers.named(text) { return named }
    let document: YAMLNode?
    do {
      document =
        text.hasPrefix("{")
        ? try RecipeFile.compose(text, path: text)
        : try RecipeFile.compose(RecipeFile.contents(of: text), path: text)
    } catch {
      if case .unreadable(let file) = error.reason {
        let names = Registers.named.map(\.name)
        let guess =
          Spelling.nearest(to: text, among: names)
          .map { "did you mean '\($0)'?" } ?? "registers with a name are "
          + names.joined(separator: ", ")
        throw .registers(
          text, reason: "is no name of registers, and no file: \(file.reason); \(guess)")
      }
      throw .recipe(error)
    }
    guard let document, let json = JSONValue(document, depth: 6) else {
      throw .registers(text, reason: "holds no description of registers")
    }
    do {
      return try Registers(json: json)
    } catch {
      throw .registers(text, reason: "\(error)")
    }
  }
}

extension JSONValue {
  /// A YAML document; `nil` where it is deeper than `depth`, or holds keys that are no texts, or aliases.
  fileprivate init?(_ node: YAMLNode, depth: Int) {
    guard depth > 0 else { return nil }
    switch node {
    case .scalar(let scalar):
      if let number = node.int {
        self = JSONValue(number)
      } else {
        self = node.null == nil ? .string(scalar.string) : .null
      }
    case .sequence(let sequence):
      var list: [JSONValue] = []
      for element in sequence {
        guard let value = JSONValue(element, depth: depth - 1) else { return nil }
        list.append(value)
      }
      self = .array(list)
    case .mapping(let mapping):
      var members: [JSONMember] = []
      for (key, element) in mapping {
        guard case .scalar(let name) = key, let value = JSONValue(element, depth: depth - 1) else {
          return nil
        }
        members.append(JSONMember(name.string, value))
      }
      self = .object(members)
    case .alias: return nil
    }
  }
}
