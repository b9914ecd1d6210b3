import TensorCore

/// Why an operator can't be decoded from its attributes, or doesn't fit its inputs.
public enum OperatorError: Error, Sendable, Hashable {
  case missingAttribute(name: String)
  case attributeKind(name: String, expected: String, actual: String)
  case attributeValue(name: String, value: String, allowed: String)
  case arity(what: String, expected: ClosedRange<Int>, actual: Int)
  case missingInput(index: Int, name: String)
  case elementType(input: Int, actual: ElementType, allowed: [ElementType])
  case rank(input: Int, expected: String, actual: Int)
  /// Two quantities that the operator's definition ties together disagree.
  case mismatch(what: String, expected: String, actual: String)
  /// A size, axis or index outside what the operator allows.
  case outOfRange(what: String, value: Int, allowed: String)
  /// An input that must be known before the model runs is computed from its inputs.
  case needsConstant(input: String)
  /// Valid ONNX that this implementation does not cover.
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
