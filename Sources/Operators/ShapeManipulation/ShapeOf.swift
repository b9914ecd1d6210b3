import Execution
import GraphIR
import TensorCore

/// The dimensions of a tensor as int64 (ONNX Shape, opset 1, 13, 15 to 25).
///
/// `start` and `end` (opset 15) cut out a range, counted from the end where negative, clamped.
package struct ShapeOf: SerializableOperator, StaticOperator {
  package static let schema = OperatorSchema("Shape", since: 1, inputs: 1...1)

  package var start: Int
  /// `nil` for the rank.
  package var end: Int?

  package init(start: Int = 0, end: Int? = nil) {
    self.start = start
    self.end = end
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    start = try attributes.int("start", default: 0)
    end = try attributes.int("end")
  }

  package func attributes() -> [Attribute] {
    var result: [Attribute] = []
    if start != 0 { result.append(Attribute("start", .int(Int64(start)))) }
    if let end { result.append(Attribute("end", .int(Int64(end)))) }
    return result
  }

  /// The range of dimensions given for an input of `rank`.
  func range(rank: Int) -> Range<Int> {
    func position(_ value: Int) -> Int { min(max(value < 0 ? value + rank : value, 0), rank) }
    let first = position(start)
    return first..<max(first, position(end ?? rank))
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let count = inputs.dimensions(0).map { range(rank: $0.count).count }
    return [TensorType(.int64, [count.map(Dimension.fixed) ?? .unknown])]
  }
}

extension ShapeOf {
  package func fold(_ inputs: [InputInfo?]) -> [Tensor]? {
    guard let shape = inputs.type(0)?.shape else { return nil }
    let dimensions = shape[range(rank: shape.count)].map(Int64.init)
    return [Tensor(dimensions, shape: [dimensions.count])]
  }
}

extension ShapeOf: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    inputs.dimensions(0).map { Array($0[range(rank: $0.count)]) }
  }
}
