import GraphIR
import TensorCore

/// `y = (x - zeroPoint) * scale` (ONNX DequantizeLinear, opset 10, 13, 19, 21 to 25).
///
/// Inputs: X of an integer type, scale, optional zero point of X's type. Scale and zero point are
/// scalars, or since opset 13 vectors along `axis`.
public struct DequantizeLinear: Operator {
  public static let schema = OperatorSchema(
    "DequantizeLinear", since: 10, inputs: 2...3, inputTypes: [.any, .float, .any])

  public var axis: Int

  public init(axis: Int = 1) { self.axis = axis }

  public init(attributes: AttributeReader) throws(OperatorError) {
    try LinearQuantization.checkBlockSize(attributes)
    axis = try attributes.int("axis", default: 1)
  }

  public func attributes() -> [Attribute] {
    // Opset 10 has no axis, so the default isn't written.
    axis == 1 ? [] : [Attribute("axis", .int(Int64(axis)))]
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try LinearQuantization.checkParameters(inputs, axis: axis)
    if let x = inputs.type(0)?.elementType, let zero = inputs.type(2)?.elementType, x != zero {
      throw .elementType(input: 2, actual: zero, allowed: [x])
    }
    return [TensorType(inputs.type(1)?.elementType ?? .float32, inputs.dimensions(0))]
  }
}
