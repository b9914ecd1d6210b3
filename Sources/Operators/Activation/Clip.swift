import GraphIR
import TensorCore

/// `y = min(max(x, low), high)` (ONNX Clip, opset 6, 11, 12, 13).
///
/// The bounds are attributes before opset 11 and optional scalar inputs since; an absent bound doesn't
/// bind. Where `low > high` the result is `high`.
public struct Clip: Operator {
  public static let schema = OperatorSchema(
    "Clip", since: 6, inputs: 1...3, inputTypes: [.numeric])

  /// Where the bounds come from.
  public enum Bounds: Sendable, Hashable {
    case attributes(minimum: Float?, maximum: Float?)
    case inputs
  }

  public var bounds: Bounds

  public init(bounds: Bounds = .inputs) { self.bounds = bounds }

  public init(attributes: AttributeReader) throws(OperatorError) {
    if attributes.opset < 11 {
      bounds = .attributes(
        minimum: try attributes.float("min"), maximum: try attributes.float("max"))
    } else {
      bounds = .inputs
    }
  }

  public func attributes() -> [Attribute] {
    guard case .attributes(let minimum, let maximum) = bounds else { return [] }
    return [("min", minimum), ("max", maximum)].compactMap { name, value in
      value.map { Attribute(name, .float($0)) }
    }
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    if case .attributes = bounds, inputs.count > 1 {
      throw .arity(what: "inputs", expected: 1...1, actual: inputs.count)
    }
    for index in 1...2 {
      if let count = inputs.dimensions(index)?.count, count > 1 {
        throw .rank(input: index, expected: "0", actual: count)
      }
    }
    return [inputs.type(0)]
  }
}
