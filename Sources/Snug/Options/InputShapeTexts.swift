import Quantization

/// What a user says of dimensions that a model leaves open.
public struct InputShapeTexts: Sendable {
  /// Each `NAME=1x3x224x224`.
  public var shapes: [String] = []
  public var batch: Int?

  public init() {}

  /// - Throws: ``SnugError/shapeText(_:)`` for a text that is no shape.
  public func inputShapes() throws(SnugError) -> InputShapes {
    try InputShapes(shapes, batch: batch)
  }
}

extension InputShapeTexts: SettingTable {
  package static let settings: [Setting<InputShapeTexts>] = [
    Setting(
      "shape", \.shapes, .texts, fallback: [],
      "The shape of an input that the model leaves open; may be repeated",
      placeholder: "name=1x3x224x224", defaultText: "as in the model", isOptional: true),
    Setting(
      "batch", \.batch, .integer(1...65536),
      "The size of the inputs' first dimension where the model leaves it open", placeholder: "n",
      defaultText: "as in the model"),
  ]
}
