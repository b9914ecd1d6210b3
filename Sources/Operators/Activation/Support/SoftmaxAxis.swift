import Execution
import GraphIR
import TensorCore

/// The axis of Softmax and its relatives.
///
/// Since opset 13 lines run along `axis`. Before, the input is taken as a matrix whose rows hold all dimensions
/// from `axis` on, and a line is a row.
package struct SoftmaxAxis: Sendable, Hashable {
  package var axis: Int
  /// True for the semantics before opset 13.
  package var flattens: Bool

  package init(_ axis: Int = -1, flattens: Bool = false) {
    self.axis = axis
    self.flattens = flattens
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    flattens = attributes.opset < 13
    axis = try attributes.int("axis", default: flattens ? 1 : -1)
  }

  var attributes: [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    // A vector under the flattening form's default axis of 1 is a single column.
    if let rank = inputs.dimensions(0)?.count, !(flattens && axis == rank) {
      _ = try Axes.normalized(axis, rank: rank)
    }
    return [inputs.type(0)]
  }

  /// The lines of the first input.
  func lines(_ context: KernelContext) throws(KernelError) -> AxisLines {
    let shape = try context.input(0).shape
    if flattens {
      return AxisLines(shape, flattenedFrom: axis < 0 ? axis + shape.count : axis)
    }
    return AxisLines(shape, axis: try context.normalized(axis, rank: shape.count))
  }
}
