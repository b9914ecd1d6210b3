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

  /// Writes a node that flattens, before opset 13, with an axis of its own, between a Flatten and a Reshape where its rows
  /// hold several dimensions.
  ///
  /// - Parameter make: makes the operator with an axis.
  func raise(
    _ node: NodeID, in graph: inout Graph, across opsets: OpsetRange,
    _ make: (_ axis: Int) -> any Operator
  ) -> String? {
    guard flattens, opsets.crosses(13), let data = graph.input(node, 0) else { return nil }
    if let dimensions = graph[data].type?.dimensions, let axis = rowAxis(dimensions) {
      graph[node].op = make(axis)
      return "axis \(axis)"
    }
    let name = graph[node].name
    let shape =
      if let known = graph[data].type?.shape {
        graph.addConstant(
          name: name + "_shape", Tensor(known.map(Int64.init), shape: [known.count]))
      } else {
        graph.addNode(
          ShapeOf(), name: name + "_shape", inputs: [data], output: name + "_shape",
          type: TensorType(.int64, nil))
      }
    graph[node].op = make(-1)
    graph.insert(Flatten(axis: axis), before: node, 0, "_rows")
    graph.insert(Reshape(), behind: node, inputs: [shape], "_shaped")
    return "on rows"
  }

  /// The one dimension that a row of the flattened input holds besides those of 1; `nil` where there may be others.
  private func rowAxis(_ dimensions: [Dimension]) -> Int? {
    let first = axis < 0 ? axis + dimensions.count : axis
    guard dimensions.indices.contains(first) else { return nil }
    // Nothing is computed for an empty tensor.
    if dimensions.contains(0) { return first }
    let others = dimensions.indices[first...].filter { dimensions[$0] != 1 }
    return others.count > 1 ? nil : others.first ?? first
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
