import Execution
import GraphIR
import TensorCore

/// The positions of the elements that aren't 0 (ONNX NonZero, opset 9, 13).
///
/// Input of rank r, output `[r, n]`: column i holds the r indices of the i-th such element in row-major order. A scalar
/// counts as a vector of one element.
package struct NonZero: SerializableOperator, StaticOperator {
  package static let schema = OperatorSchema(
    "NonZero", since: 9, inputs: 1...1, inputTypes: [.numeric + [.bool]])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) -> [TensorType?] {
    if let tensor = inputs.constant(0), let places = Self.places(tensor) {
      return [TensorType(.int64, shape: [max(tensor.rank, 1), places.count])]
    }
    guard let rank = inputs.dimensions(0)?.count else { return [TensorType(.int64, nil)] }
    return [TensorType(.int64, [.fixed(max(rank, 1)), .unknown])]
  }

  package func fold(_ inputs: [InputInfo?]) -> [Tensor]? {
    guard let tensor = inputs.constant(0), let places = Self.places(tensor) else { return nil }
    let shape = tensor.shape.isEmpty ? [1] : tensor.shape
    var indices = [Int64](repeating: 0, count: shape.count * places.count)
    for (column, place) in places.enumerated() {
      var rest = place
      for axis in shape.indices.reversed() {
        indices[axis * places.count + column] = Int64(rest % shape[axis])
        rest /= shape[axis]
      }
    }
    return [Tensor(indices, shape: [shape.count, places.count])]
  }

  /// Where elements aren't 0, in row-major order.
  private static func places(_ tensor: Tensor) -> [Int]? {
    guard let codec = ElementCodec(tensor.elementType) else { return nil }
    return tensor.aligned.storage.withBytes { bytes in
      guard let base = bytes.baseAddress else { return [] }
      return (0..<tensor.count).filter { !codec.load(base, $0).isZero }
    }
  }
}
