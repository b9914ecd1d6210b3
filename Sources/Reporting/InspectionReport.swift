import TensorCore
import Verification

/// The answer of `inspect`: every dot-product layer of a model with its bits, scales and accumulator.
public struct InspectionReport: Sendable {
  public var model: ModelSummary
  public var result: VerificationResult
  /// What the file says that its conversion didn't hold to the width that was asked for.
  public var unheld: [UnheldLayer]

  public init(model: ModelSummary, result: VerificationResult, unheld: [UnheldLayer] = []) {
    self.model = model
    self.result = result
    self.unheld = unheld
  }

  /// The document of `inspect --json`, whose members are in a fixed order.
  public var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("model", model.json),
      JSONMember("certified", .bool(result.isCertified)),
      JSONMember("layers", .array(result.layers.map(\.inspectionJSON))),
    ]
    if !unheld.isEmpty { members.append(JSONMember("not_held", .array(unheld.map(\.json)))) }
    members += result.reasonMembers
    return .object(members)
  }

  /// The table for people, with one layer in a row and a summary below.
  public func text(style: TextStyle = TextStyle()) -> String {
    table(style: style) + (unheld.isEmpty ? "" : "\n" + unheldText(style: style))
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
  package func table(style: TextStyle) -> String {
    var paragraphs = [style.wrap(heading)]
    if !result.layers.isEmpty {
      paragraphs.append(LayerTable.inspection(result, style: style))
      let hasBiases = result.layers.contains { $0.layer.bias != nil }
      let hasTiles = result.layers.contains { $0.tiles != nil }
      let legend =
        Self.legend + (hasBiases ? Self.biasLegend : "") + (hasTiles ? Self.tileLegend : "")
      paragraphs.append(style.wrap(legend))
    }
    paragraphs.append(VerdictText.summary(result, style: style))
    return paragraphs.joined(separator: "\n\n") + "\n"
  }

  private static let legend =
    "K: products in one sum. Accumulators in bits: target, exactly required, demanded by the data "
    + "types alone, headroom."

  private static let biasLegend =
    " Biases are shown where they are integers in the accumulators, and count as summands there."

  private static let tileLegend =
    " Tiles: products that are summed in a register of the target's width, and the bits that the register which "
    + "adds their sums needs and has."

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
