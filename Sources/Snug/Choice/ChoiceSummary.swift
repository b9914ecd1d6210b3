import TensorCore

/// The widths that were found for each layer, and what they cost.
public struct ChoiceSummary: Sendable, Hashable {
  public struct Layer: Sendable, Hashable {
    public var name: String
    public var widths: LayerWidths
  }

  /// The cheapest of the conversions with the same widths for all layers that keep the loss.
  public struct Alike: Sendable, Hashable {
    public var widths: LayerWidths
    public var cost: Double
    public var loss: Double
  }

  /// The name of ``CostMeasure``.
  public var minimized: String
  /// Of ``layers`` together.
  public var cost: Double
  public var maxLoss: Double
  /// The greater one on the two halves of the samples.
  public var loss: Double
  public var lossUnit: String
  /// Samples that losses were measured on.
  public var samples: Int
  /// Conversions that were measured.
  public var conversions: Int
  public var layers: [Layer]
  public var alike: Alike?
  /// Where the recipe is that repeats the conversion.
  public var recipe = ""

  /// The member `choice` of `convert --json`.
  var json: JSONValue {
    [
      "minimized": .string(minimized), "cost": .number(cost), "max_loss": .number(maxLoss),
      "loss": .number(loss), "loss_unit": .string(lossUnit), "samples": JSONValue(samples),
      "conversions": JSONValue(conversions),
      "same_widths": alike.map {
        ["widths": .string($0.widths.text), "cost": .number($0.cost), "loss": .number($0.loss)]
      } ?? .null,
      "layers": .array(
        layers.map { layer in
          [
            "name": .string(layer.name), "weight_bits": JSONValue(layer.widths.weightBits),
            "activation_bits": JSONValue(layer.widths.activationBits),
            "accumulator_bits": JSONValue(layer.widths.accumulatorBits),
          ]
        }), "recipe": .string(recipe),
    ]
  }
}
