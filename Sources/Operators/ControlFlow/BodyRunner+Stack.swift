import Execution
import GraphIR
import TensorCore

extension BodyRunner {
  /// A tensor of one element, as an integer.
  func scalar(_ tensor: Tensor, _ name: String) throws(ExecutionError) -> Int {
    guard tensor.count == 1, let number = tensor.integers()?.first else {
      throw error(.mismatch(what: "elements of \(name)", expected: "1", actual: "\(tensor.count)"))
    }
    return number
  }

  /// Slices joined along a new axis.
  ///
  /// - Parameter type: that of a slice, for the result of no slices.
  func stack(_ slices: [Tensor], axis: Int, of type: TensorType?) throws(ExecutionError)
    -> Tensor
  {
    let shape = slices.first?.shape ?? type?.shape
    guard let shape, let elementType = slices.first?.elementType ?? type?.elementType else {
      throw error(
        .unsupported(what: "a loop without iterations whose outputs are of no known shape"))
    }
    let place: Int
    do throws(OperatorError) {
      place = try Axes.normalized(axis, rank: shape.count + 1)
    } catch { throw self.error(error) }
    var stacked = shape
    stacked.insert(slices.isEmpty ? 0 : 1, at: place)
    let parts = slices.compactMap { $0.reshaped(stacked) }
    if parts.isEmpty {
      let empty = Tensor(
        elementType: elementType, shape: stacked, storage: TensorStorage(byteCount: 0) { _ in })
      guard let empty else {
        throw error(.unsupported(what: "element type \(elementType.onnxName)"))
      }
      return empty
    }
    return try compute(Concat(axis: place), parts)
  }
}
