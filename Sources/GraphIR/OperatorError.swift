import TensorCore

/// Why an operator can't be decoded from its attributes, or doesn't fit its inputs.
public enum OperatorError: Error, Sendable, Hashable {
  /// A required attribute is missing.
  case missingAttribute(name: String)
  /// An attribute has another kind of value than the operator takes.
  case attributeKind(name: String, expected: String, actual: String)
  /// An attribute has a value that the operator doesn't allow.
  case attributeValue(name: String, value: String, allowed: String)
  /// A node has too few or too many inputs or outputs.
  case arity(what: String, expected: ClosedRange<Int>, actual: Int)
  /// A required input is missing.
  case missingInput(index: Int, name: String)
  /// An input has an element type that the operator doesn't allow.
  case elementType(input: Int, actual: ElementType, allowed: [ElementType])
  /// An input has a rank that the operator doesn't allow.
  case rank(input: Int, expected: String, actual: Int)
  /// Two quantities disagree that must agree by the operator's definition.
  case mismatch(what: String, expected: String, actual: String)
  /// A size, axis or index is outside the range that the operator allows.
  case outOfRange(what: String, value: Int, allowed: String)
  /// An input that must be known before the model runs is computed from the model's inputs.
  case needsConstant(input: String)
  /// The operator is valid ONNX that this implementation does not support.
  case unsupported(what: String)
}

extension OperatorError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missingAttribute(let name): "attribute '\(name)' is missing"
    case .attributeKind(let name, let expected, let actual):
      "attribute '\(name)' must be of kind \(expected), not \(actual)"
    case .attributeValue(let name, let value, let allowed):
      "attribute '\(name)' is \(value); allowed: \(allowed)"
    case .arity(let what, let expected, let actual):
      expected.count == 1
        ? "\(what): expected \(expected.lowerBound), found \(actual)"
        : "\(what): expected \(expected.lowerBound) to \(expected.upperBound), found \(actual)"
    case .missingInput(let index, let name): "input \(index) '\(name)' is missing"
    case .elementType(let input, let actual, let allowed):
      "input \(input) has element type \(actual.onnxName); allowed: "
        + allowed.map(\.onnxName).joined(separator: ", ")
    case .rank(let input, let expected, let actual):
      "input \(input) has rank \(actual); expected \(expected)"
    case .mismatch(let what, let expected, let actual):
      "\(what): expected \(expected), found \(actual)"
    case .outOfRange(let what, let value, let allowed):
      "\(what) is \(value); allowed: \(allowed)"
    case .needsConstant(let input): "input '\(input)' must be constant"
    case .unsupported(let what): "\(what) is not supported"
    }
  }
}
