import GraphIR
import TensorCore
import Verification

/// A dot product that a conversion didn't hold to the accumulator width that was asked for.
public struct UnheldLayer: Sendable, Hashable {
  public var name: String
  /// P that was asked for.
  public var askedBits: Int
  /// The width that the file states for it, in bits; `nil` where it states none.
  public var targetBits: Int?
  /// Why, and what would change it, in one clause.
  public var reason: String
  /// Whether the options say so, as for the first and the last layers.
  public var isByOptions: Bool

  public init(
    name: String, askedBits: Int, targetBits: Int?, reason: String, isByOptions: Bool
  ) {
    self.name = name
    self.askedBits = askedBits
    self.targetBits = targetBits
    self.reason = reason
    self.isByOptions = isByOptions
  }
}

extension UnheldLayer {
  /// The key of the model's metadata under which a conversion writes what it didn't hold.
  package static let metadataKey = "snug.not_held"

  package var json: JSONValue {
    [
      "name": .string(name), "asked_bits": JSONValue(askedBits),
      "target_bits": targetBits.map { JSONValue($0) } ?? .null, "reason": .string(reason),
      "by_options": .bool(isByOptions),
    ]
  }

  private init?(_ json: JSONValue) {
    guard let name = json["name"]?.stringValue,
      let asked = json["asked_bits"]?.integerValue.flatMap({ Int(exactly: $0) }),
      let reason = json["reason"]?.stringValue, let byOptions = json["by_options"]?.boolValue
    else { return nil }
    self.init(
      name: name, askedBits: asked,
      targetBits: json["target_bits"]?.integerValue.flatMap { Int(exactly: $0) }, reason: reason,
      isByOptions: byOptions)
  }

  /// Writes what a conversion didn't hold into the model, so that whoever inspects the file reads it too.
  package static func state(_ layers: [UnheldLayer], in model: inout Model) {
    model.metadata.removeAll { $0.key == metadataKey }
    model.graph.metadata.removeAll { $0.key == metadataKey }
    if !layers.isEmpty { model.setMetadata(metadataKey, JSONValue(layers.map(\.json)).text()) }
  }

  /// What a file says that its conversion didn't hold. It explains a verdict and is no part of it: layers that the file
  /// hasn't got, and those that the verifier finds within the width, are left out, as is a text that can't be read.
  package static func stated(in model: Model, _ result: VerificationResult) -> [UnheldLayer] {
    guard let text = model.metadata.first(where: { $0.key == metadataKey })?.value,
      let entries = (try? JSONValue(parsing: text))?.arrayValue
    else { return [] }
    let verdicts = Dictionary(result.layers.map { ($0.layer.name, $0) }) { first, _ in first }
    return entries.compactMap(UnheldLayer.init).compactMap { layer in
      guard let verdict = verdicts[layer.name] else { return nil }
      if verdict.isCertified, let target = verdict.targetBits, target <= layer.askedBits {
        return nil
      }
      var layer = layer
      layer.targetBits = verdict.targetBits
      return layer
    }
  }
}

/// What is not held to the width that was asked for, for people.
struct UnheldText {
  /// Layers with one reason.
  struct Group {
    /// What they are held to, and why not to less.
    let reason: String
    let names: [String]
  }

  let title: String
  let groups: [Group]

  /// - Parameter count: of all dot products of the model.
  init(_ layers: [UnheldLayer], of count: Int) {
    title = "Not held to the width that was asked for: \(layers.count) of \(count) dot products"
    let reasons = Dictionary(grouping: layers) { layer in
      let width = layer.targetBits.map { "held to \($0) bits" } ?? "not certified"
      return "\(width), since \(layer.reason.printable)"
    }
    groups = reasons.map { Group(reason: TextStyle().quoting($0), names: $1.map(\.name.printable)) }
      .sorted { ($1.names.count, $0.reason) < ($0.names.count, $1.reason) }
  }

  /// - Parameter limit: of the names that are given for one reason.
  func lines(namesUpTo limit: Int) -> [String] {
    [title]
      + groups.map { group in
        let names = TextStyle().quoting(group.names.prefix(limit).joined(separator: ", "))
        let others = group.names.count - limit
        return "  \(names)\(others > 0 ? " and \(others) more" : ""): \(group.reason)"
      }
  }
}
