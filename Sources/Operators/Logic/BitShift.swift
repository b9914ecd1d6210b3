import GraphIR
import TensorCore

/// The first operand with its bits shifted by as many places as the second says, with multidirectional broadcasting
/// (ONNX BitShift, opset 11). What is shifted out is lost.
public struct BitShift: BitwiseOperator {
  public static let schema = OperatorSchema(
    "BitShift", since: 11, inputs: 2...2, inputTypes: [[.uint8, .uint16, .uint32, .uint64]])

  public var isLeft: Bool

  public init(isLeft: Bool) { self.isLeft = isLeft }

  public init(attributes: AttributeReader) throws(OperatorError) {
    guard let direction = try attributes.string("direction") else {
      throw .missingAttribute(name: "direction")
    }
    guard direction == "LEFT" || direction == "RIGHT" else {
      throw .attributeValue(name: "direction", value: direction, allowed: "LEFT, RIGHT")
    }
    self.init(isLeft: direction == "LEFT")
  }

  public func attributes() -> [Attribute] {
    [Attribute("direction", .string(isLeft ? "LEFT" : "RIGHT"))]
  }

  public func value<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { isLeft ? a << b : a >> b }
}
