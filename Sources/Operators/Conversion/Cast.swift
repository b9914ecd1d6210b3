import GraphIR
import TensorCore

/// Conversion to another element type (ONNX Cast, opset 6, 9, 13, 19 to 25).
///
/// Floats become integers by truncation, and booleans by comparison with zero.
public struct Cast: Operator {
  public static let schema = OperatorSchema("Cast", since: 6, inputs: 1...1)

  public var target: ElementType
  /// Whether out-of-range values of the 8-bit float targets saturate (opset 19).
  public var saturates: Bool

  public init(to target: ElementType, saturates: Bool = true) {
    self.target = target
    self.saturates = saturates
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    guard let code = try attributes.int("to") else { throw .missingAttribute(name: "to") }
    guard let target = Int32(exactly: code).flatMap(ElementType.init(rawValue:)) else {
      throw .attributeValue(name: "to", value: "\(code)", allowed: "a known element type")
    }
    self.init(to: target, saturates: try attributes.bool("saturate", default: true))
  }

  public func attributes() -> [Attribute] {
    var result = [Attribute("to", .int(Int64(target.rawValue)))]
    if !saturates { result.append(Attribute("saturate", .int(0))) }
    return result
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [TensorType(target, inputs.dimensions(0))]
  }
}
