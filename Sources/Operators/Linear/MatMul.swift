import GraphIR
import TensorCore

/// The matrix product as numpy's `matmul`: leading dimensions broadcast (ONNX MatMul, opset 1, 9, 13).
///
/// A vector on the left is a row, on the right a column; the dimension added for it is removed again.
public struct MatMul: Operator {
  public static let schema = OperatorSchema(
    "MatMul", since: 1, inputs: 2...2, inputTypes: [.numeric])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0)?.elementType ?? inputs.type(1)?.elementType else {
      return [nil]
    }
    _ = try inputs.requireRank(0, atLeast: 1)
    _ = try inputs.requireRank(1, atLeast: 1)
    guard let left = inputs.dimensions(0), let right = inputs.dimensions(1) else {
      return [TensorType(type, nil)]
    }
    let a = left.count == 1 ? [1] + left : left
    let b = right.count == 1 ? right + [1] : right
    if let k = a[a.count - 1].size, let other = b[b.count - 2].size, k != other {
      throw .mismatch(what: "inner dimension of B", expected: "\(k)", actual: "\(other)")
    }
    var result = try Dimensions.broadcast(Array(a.dropLast(2)), Array(b.dropLast(2)))
    if left.count > 1 { result.append(a[a.count - 2]) }
    if right.count > 1 { result.append(b[b.count - 1]) }
    return [TensorType(type, result)]
  }
}
