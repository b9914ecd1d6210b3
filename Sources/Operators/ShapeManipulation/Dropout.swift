import GraphIR
import TensorCore

/// Dropout at inference: `y = x`, the mask all true (ONNX Dropout, opset 7, 10, 12, 13, 22).
///
/// `ratio` is an attribute before opset 12, an optional input since. A `training_mode` input that is
/// true is not supported: randomness belongs to a trainer, not to a model.
public struct Dropout: Operator {
  public static let schema = OperatorSchema(
    "Dropout", inputs: 1...3, outputs: 1...2, inputTypes: [.float, .float, [.bool]])

  /// `nil` where the ratio is an input.
  public var ratio: Float?
  public var seed: Int?

  public init(ratio: Float? = nil, seed: Int? = nil) {
    self.ratio = ratio
    self.seed = seed
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    ratio = attributes.opset < 12 ? try attributes.float("ratio", default: 0.5) : nil
    seed = attributes.opset < 12 ? nil : try attributes.int("seed")
  }

  public func attributes() -> [Attribute] {
    var result: [Attribute] = []
    if let ratio { result.append(Attribute("ratio", .float(ratio))) }
    if let seed { result.append(Attribute("seed", .int(Int64(seed)))) }
    return result
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    if let training = inputs.constant(2)?.integers(), training.contains(where: { $0 != 0 }) {
      throw .unsupported(what: "Dropout in training mode")
    }
    return [inputs.type(0), TensorType(.bool, inputs.dimensions(0))]
  }
}
