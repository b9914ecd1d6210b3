import Execution
import GraphIR
import TensorCore

/// A tensor that stands in the node itself (ONNX Constant, opset 1, 9, 11, 12, 13 to 25).
package struct Constant: SerializableOperator, StaticOperator {
  package static let schema = OperatorSchema("Constant", since: 1, inputs: 0...0)

  package var value: Tensor

  package init(_ value: Tensor) { self.value = value }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard attributes.attributes.count == 1, let attribute = attributes.attributes.first else {
      throw .arity(what: "attributes", expected: 1...1, actual: attributes.attributes.count)
    }
    switch (attribute.name, attribute.value) {
    case ("value", .tensor(let tensor)): value = tensor
    case ("value_float", .float(let number)): value = Tensor(scalar: number)
    case ("value_int", .int(let number)): value = Tensor(scalar: number)
    case ("value_floats", .floats(let list)): value = Tensor(list, shape: [list.count])
    case ("value_ints", .ints(let list)): value = Tensor(list, shape: [list.count])
    case ("value_string", .string(let text)):
      guard let tensor = Tensor(strings: [text], shape: []) else {
        throw .unsupported(what: "value_string")
      }
      value = tensor
    case ("value_strings", .strings(let list)):
      guard let tensor = Tensor(strings: list, shape: [list.count]) else {
        throw .unsupported(what: "value_strings")
      }
      value = tensor
    case ("value", let other), ("value_float", let other), ("value_int", let other),
      ("value_floats", let other), ("value_ints", let other), ("value_string", let other),
      ("value_strings", let other):
      throw .attributeKind(
        name: attribute.name, expected: "that of its name", actual: other.kind)
    case ("sparse_value", _): throw .unsupported(what: "a sparse constant")
    default: throw .missingAttribute(name: "value")
    }
  }

  package func attributes() -> [Attribute] { [Attribute("value", .tensor(value))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] { [value.type] }
}

extension Constant {
  package func fold(_ inputs: [InputInfo?]) -> [Tensor]? { [value] }
}
