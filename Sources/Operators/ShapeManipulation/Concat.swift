import GraphIR
import TensorCore

/// Joins tensors along one axis (ONNX Concat, opset 4, 11, 13).
public struct Concat: Operator {
  public static let schema = OperatorSchema("Concat", since: 4, inputs: 1...Int.max)

  public var axis: Int

  public init(axis: Int) { self.axis = axis }

  public init(attributes: AttributeReader) throws(OperatorError) {
    guard let axis = try attributes.int("axis") else { throw .missingAttribute(name: "axis") }
    self.axis = axis
  }

  public func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let elementType = inputs.indices.lazy.compactMap({ inputs.type($0) }).first?.elementType
    else { return [nil] }
    for index in inputs.indices {
      guard let actual = inputs.type(index)?.elementType, actual != elementType else { continue }
      throw .elementType(input: index, actual: actual, allowed: [elementType])
    }
    guard var result = inputs.dimensions(0) else { return [TensorType(elementType, nil)] }
    let axis = try Axes.normalized(axis, rank: result.count)
    for index in inputs.indices.dropFirst() {
      guard let dimensions = inputs.dimensions(index) else { return [TensorType(elementType, nil)] }
      guard dimensions.count == result.count else {
        throw .rank(input: index, expected: "\(result.count)", actual: dimensions.count)
      }
      for position in result.indices where position != axis {
        result[position] = try merge(result[position], dimensions[position], input: index, position)
      }
      if let a = result[axis].size, let b = dimensions[axis].size {
        let (sum, overflow) = a.addingReportingOverflow(b)
        guard !overflow else {
          throw .outOfRange(what: "joined dimension", value: b, allowed: "a sum below 2^63")
        }
        result[axis] = .fixed(sum)
      } else {
        result[axis] = .unknown
      }
    }
    return [TensorType(elementType, result)]
  }

  private func merge(_ a: Dimension, _ b: Dimension, input: Int, _ position: Int)
    throws(OperatorError) -> Dimension
  {
    if let x = a.size, let y = b.size, x != y {
      throw .mismatch(
        what: "dimension \(position) of input \(input)", expected: "\(x)", actual: "\(y)")
    }
    if a.size != nil || b == .unknown { return a }
    return b.size != nil || a == .unknown ? b : a
  }
}
