import GraphIR
import TensorCore

/// Slices of `data` along `axis` at `indices` (ONNX Gather, opset 1, 11, 13).
///
/// The output's shape is the data's with `axis` replaced by the shape of the indices; negative indices
/// count from the end.
public struct Gather: Operator {
  public static let schema = OperatorSchema(
    "Gather", since: 1, inputs: 2...2, inputTypes: [.any, .anyIndex])

  public var axis: Int

  public init(axis: Int = 0) { self.axis = axis }

  public init(attributes: AttributeReader) throws(OperatorError) {
    axis = try attributes.int("axis", default: 0)
  }

  public func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let data = inputs.type(0) else { return [nil] }
    guard let dimensions = data.dimensions else { return [TensorType(data.elementType, nil)] }
    guard !dimensions.isEmpty else { throw .rank(input: 0, expected: "at least 1", actual: 0) }
    let axis = try Axes.normalized(axis, rank: dimensions.count)
    guard let indices = inputs.dimensions(1) else { return [TensorType(data.elementType, nil)] }
    return [
      TensorType(
        data.elementType, Array(dimensions[..<axis]) + indices + dimensions[(axis + 1)...])
    ]
  }
}
