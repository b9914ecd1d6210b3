import TensorCore
import Verification

/// The answer of `inspect`: every dot-product layer of a model with its bits, scales and accumulator.
public struct InspectionReport: Sendable {
  public var model: ModelSummary
  public var result: VerificationResult
  /// Which layers are shown; the verdict is on all of them anyway.
  public var selection = LayerSelection()
  /// The elements for one sample of the model's values, by their names, as far as they are known.
  public var outputCounts: [String: Int]
  /// What the file says that its conversion didn't hold to the width that was asked for.
  public var unheld: [UnheldLayer]
  public var provenance: Provenance
  public var ports: ModelPorts

  public init(
    model: ModelSummary, result: VerificationResult, outputCounts: [String: Int] = [:],
    unheld: [UnheldLayer] = [], provenance: Provenance = Provenance(),
    ports: ModelPorts = ModelPorts()
  ) {
    self.model = model
    self.result = result
    self.outputCounts = outputCounts
    self.unheld = unheld
    self.provenance = provenance
    self.ports = ports
  }

  /// What all layers cost.
  public var cost: ModelCost { ModelCost(result.layers, outputCounts: outputCounts) }

  /// The layers that are shown, in their order.
  public var layers: [LayerVerdict] { selection.layers(of: result, outputCounts) }

  /// The document of `inspect --json`, whose members are in a fixed order.
  public var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("model", model.json),
      JSONMember("certified", .bool(result.isCertified)),
      JSONMember("layers", .array(layers.map(\.inspectionJSON))),
      JSONMember("cost", cost.json),
    ]
    if !unheld.isEmpty { members.append(JSONMember("not_held", .array(unheld.map(\.json)))) }
    members += ports.members
    if let provenance = provenance.json { members.append(JSONMember("provenance", provenance)) }
    members += result.reasonMembers
    return .object(members)
  }

  /// The table for people, with one layer in a row and a summary below.
  public func text(style: TextStyle = TextStyle()) -> String {
    table(style: style, showsPorts: true) + (unheld.isEmpty ? "" : "\n" + unheldText(style: style))
  }

  /// What is not held to the width that was asked for; empty where all is.
  package func unheldText(style: TextStyle) -> String {
    if unheld.isEmpty { return "" }
    return UnheldText(unheld, of: result.layers.count).lines(namesUpTo: Self.namesInLine)
      .joined(separator: "\n") + "\n"
  }

  /// Names that are given for one reason; all are in the JSON and in the page.
  private static let namesInLine = 6

  /// The table and its summary alone.
  ///
  /// - Parameter showsPorts: whether what the model takes and gives is said before them.
  package func table(style: TextStyle, showsPorts: Bool = false) -> String {
    var paragraphs = [style.wrap(heading)]
    if showsPorts, let ports = ports.sentence { paragraphs.append(style.wrap(ports)) }
    let layers = layers
    if !layers.isEmpty {
      paragraphs.append(LayerTable.inspection(layers, style: style))
      let notes = InspectionColumn.columns(of: layers, in: .text, style).compactMap(\.note)
      paragraphs.append(style.wrap(notes.joined(separator: " ")))
    }
    if layers.count < result.layers.count {
      paragraphs.append(
        style.wrap("\(layers.count) of \(result.layers.count) layers are shown."))
    }
    if let cost = cost.sentence { paragraphs.append(style.wrap(cost)) }
    paragraphs.append(VerdictText.summary(result, style: style))
    return paragraphs.joined(separator: "\n\n") + "\n"
  }

  private var heading: String {
    var parts = ["\(model.path): \(model.format.rawValue)"]
    if let opset = model.opset { parts.append("opset \(opset)") }
    parts.append("IR \(model.irVersion)")
    if !model.producer.isEmpty { parts.append("from \(model.producer)") }
    return parts.joined(separator: ", ")
  }
}

extension ModelSummary {
  var json: JSONValue {
    [
      "path": .string(path), "format": .string(format.rawValue), "producer": .string(producer),
      "opset": opset.map { JSONValue($0) } ?? .null, "ir_version": JSONValue(irVersion),
    ]
  }
}

extension VerificationResult {
  /// Why the model as a whole is not certified; absent where there is no such reason.
  var reasonMembers: [JSONMember] {
    findings.isEmpty
      ? [] : [JSONMember("reasons", .array(findings.map { .string($0.description) }))]
  }

  /// What the verdict rests on besides the file's integers; absent where there is nothing else.
  var conditionMembers: [JSONMember] {
    var members: [JSONMember] = []
    if !assumptions.isEmpty {
      members.append(
        JSONMember("assumed_without_layers", .array(assumptions.map { .string($0.description) })))
    }
    if !replaceableConstants.isEmpty {
      members.append(
        JSONMember("replaceable_constants", .array(replaceableConstants.map { .string($0) })))
    }
    return members
  }
}
