import Reporting
import TensorCore

/// What a choice of widths has measured, kept in a file that is replaced after each measurement, so that a choice that was
/// ended at any instant goes on from there.
struct ChoiceState {
  /// A model in which all layers that are chosen for have the same widths, or each its own.
  struct Measured: Sendable, Hashable {
    var loss: LossMeter.Loss
    /// Of the layers that are chosen for, together.
    var cost: Double
    /// In the order of the layers that are chosen for; empty where layers have widths of their own.
    var layers: [Layer] = []
  }

  struct Layer: Sendable, Hashable {
    var name: String
    /// The bits that the integers need, of those that were allowed.
    var accumulatorBits: Int
    var cost: Double
    /// Noise at the layer's own output where it alone is quantized, as a part of its power.
    var noise: Double
    /// The same in the model's outputs, where it was measured.
    var reach: Double?
  }

  let path: String
  private let identity: JSONValue
  /// By the widths; `nil` for a model that couldn't be made.
  private(set) var known: [String: Measured?] = [:]

  private static let sizeLimit = 1 << 28

  /// Reads what an earlier run with the same options, model and data has left; anything else is begun anew.
  init(path: String, identity: JSONValue) {
    self.path = path
    self.identity = identity
    guard let bytes = try? InputFile(path: path).readAll(limit: Self.sizeLimit),
      let document = try? JSONValue(parsing: bytes), document["identity"] == identity,
      let members = document["measured"]?.objectValue
    else { return }
    for member in members {
      if member.value == .null {
        known[member.key] = .some(nil)
      } else if let measured = Measured(member.value) {
        known[member.key] = measured
      }
    }
  }

  /// Enters what was measured, and writes all that is known.
  mutating func add(_ measured: Measured?, as name: String) throws(SnugError) {
    known[name] = .some(measured)
    try OutputFile.write(json.text(indentation: 1) + "\n", to: path)
  }

  private var json: JSONValue {
    [
      "identity": identity,
      "measured": .object(
        known.sorted { $0.key < $1.key }.map { JSONMember($0.key, $0.value?.json ?? .null) }),
    ]
  }
}

extension ChoiceState.Measured {
  fileprivate init?(_ json: JSONValue) {
    guard let leading = json["leading"]?.doubleValue, let checking = json["checking"]?.doubleValue,
      let cost = json["cost"]?.doubleValue, let rows = json["layers"]?.arrayValue
    else { return nil }
    var layers: [ChoiceState.Layer] = []
    for row in rows {
      guard let name = row["name"]?.stringValue, let bits = row["bits"]?.integerValue,
        let cost = row["cost"]?.doubleValue, let noise = row["noise"]?.doubleValue
      else { return nil }
      layers.append(
        ChoiceState.Layer(
          name: name, accumulatorBits: Int(clamping: bits), cost: cost, noise: noise,
          reach: row["reach"]?.doubleValue))
    }
    self.init(
      loss: LossMeter.Loss(leading: leading, checking: checking), cost: cost, layers: layers)
  }

  fileprivate var json: JSONValue {
    [
      "leading": .number(loss.leading), "checking": .number(loss.checking), "cost": .number(cost),
      "layers": .array(
        layers.map { layer in
          [
            "name": .string(layer.name), "bits": JSONValue(layer.accumulatorBits),
            "cost": .number(layer.cost),
            "noise": .number(layer.noise), "reach": layer.reach.map { .number($0) } ?? .null,
          ]
        }),
    ]
  }
}
