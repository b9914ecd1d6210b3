import GraphIR
import TensorCore

/// The first operand with its bits shifted by as many places as the second says, with multidirectional broadcasting
/// (ONNX BitShift, opset 11). What is shifted out is lost.
package struct BitShift: BitwiseOperator {
  package static let schema = OperatorSchema(
    "BitShift", since: 11, inputs: 2...2, inputTypes: [[.uint8, .uint16, .uint32, .uint64]])

  package var isLeft: Bool

  package init(isLeft: Bool) { self.isLeft = isLeft }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let direction = try attributes.string("direction") else {
      throw .missingAttribute(name: "direction")
    }
    guard direction == "LEFT" || direction == "RIGHT" else {
      throw .attributeValue(name: "direction", value: direction, allowed: "LEFT, RIGHT")
    }
    self.init(isLeft: direction == "LEFT")
  }

  package func attributes() -> [Attribute] {
    [Attribute("direction", .string(isLeft ? "LEFT" : "RIGHT"))]
  }

  package func value<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { isLeft ? a << b : a >> b }
}
