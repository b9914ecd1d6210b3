import GraphIR
import TensorCore

/// `y = saturate(round(x / scale) + zeroPoint)`, ties to even (ONNX QuantizeLinear, opset 10, 13, 19, 21
/// to 25).
///
/// Inputs: X, scale, optional zero point, whose type is the output's. Scale and zero point are scalars,
/// or since opset 13 vectors along `axis`.
public struct QuantizeLinear: Operator {
  public static let schema = OperatorSchema(
    "QuantizeLinear", since: 10, inputs: 2...3, inputTypes: [.float + [.int32], .float, .any])

  public var axis: Int
  /// The output type where no zero point tells it (opset 21).
  public var outputType: ElementType?

  public init(axis: Int = 1, outputType: ElementType? = nil) {
    self.axis = axis
    self.outputType = outputType
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    try LinearQuantization.checkBlockSize(attributes)
    axis = try attributes.int("axis", default: 1)
    let code = try attributes.int("output_dtype", default: 0)
    if code != 0 {
      guard let type = Int32(exactly: code).flatMap(ElementType.init(rawValue:)) else {
        throw .attributeValue(name: "output_dtype", value: "\(code)", allowed: "a known type")
      }
      outputType = type
    }
  }

  public func attributes() -> [Attribute] {
    var result: [Attribute] = []
    // Opset 10 has no axis, so the default isn't written.
    if axis != 1 { result.append(Attribute("axis", .int(Int64(axis)))) }
    if let outputType {
      result.append(Attribute("output_dtype", .int(Int64(outputType.rawValue))))
    }
    return result
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try LinearQuantization.checkParameters(inputs, axis: axis)
    let type: ElementType
    if inputs.isPresent(2) {
      guard let given = inputs.type(2)?.elementType else { return [nil] }
      if let outputType, outputType != given {
        throw .elementType(input: 2, actual: given, allowed: [outputType])
      }
      type = given
    } else {
      type = outputType ?? .uint8
    }
    return [TensorType(type, inputs.dimensions(0))]
  }
}
