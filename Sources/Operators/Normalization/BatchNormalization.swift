import GraphIR
import TensorCore

/// `y = scale * (x - mean) / sqrt(var + epsilon) + B` per channel, with the given statistics (ONNX
/// BatchNormalization at inference, opset 7, 9, 14, 15).
///
/// Inputs: X `[N, C, ...]`, scale, B, mean, var `[C]`. A file that asks for batch statistics
/// (`training_mode`, or the training outputs before opset 14) is refused.
public struct BatchNormalization: Operator {
  public static let schema = OperatorSchema(
    "BatchNormalization", inputs: 5...5, outputs: 1...5, inputTypes: [.float])

  public var epsilon: Float
  public var momentum: Float

  public init(epsilon: Float = 1e-5, momentum: Float = 0.9) {
    self.epsilon = epsilon
    self.momentum = momentum
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    if attributes.opset < 9, try attributes.int("spatial", default: 1) != 1 {
      throw .unsupported(what: "statistics per activation (spatial = 0)")
    }
    if try attributes.bool("training_mode", default: false) {
      throw .unsupported(what: "BatchNormalization in training mode")
    }
    self.init(
      epsilon: try attributes.float("epsilon", default: 1e-5),
      momentum: try attributes.float("momentum", default: 0.9))
    guard epsilon >= 0 else {
      throw .attributeValue(name: "epsilon", value: "\(epsilon)", allowed: "0 or more")
    }
  }

  public func attributes() -> [Attribute] {
    [Attribute("epsilon", .float(epsilon)), Attribute("momentum", .float(momentum))]
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let rank = try inputs.requireRank(0, atLeast: 1)
    // A one-dimensional input has one channel.
    let channels = rank == 1 ? 1 : inputs.dimensions(0)?[1]
    for (index, name) in ["scale", "B", "mean", "var"].enumerated() {
      try inputs.requireVector(index + 1, name, count: channels)
    }
    return [inputs.type(0)]
  }
}
