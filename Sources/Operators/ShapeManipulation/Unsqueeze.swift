import Execution
import GraphIR
import TensorCore

/// Inserts dimensions of size 1 (ONNX Unsqueeze, opset 1, 11, 13 to 25).
///
/// `axes`, counted in the output, is an attribute before opset 13 and an input since.
package struct Unsqueeze: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Unsqueeze", since: 1, inputs: 1...2, inputTypes: [.any, .index])

  package var movement: ElementMovement? { ElementMovement(.kept) }

  package var axes: AxesSource

  package init(axes: AxesSource) { self.axes = axes }

  package init(attributes: AttributeReader) throws(OperatorError) {
    if attributes.opset >= 13 {
      axes = .input
    } else if let list = try attributes.ints("axes") {
      axes = .attribute(list)
    } else {
      throw .missingAttribute(name: "axes")
    }
  }

  package func attributes() -> [Attribute] {
    guard case .attribute(let axes) = axes else { return [] }
    return [Attribute("axes", .ints(axes.map(Int64.init)))]
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    guard opsets.crosses(13), case .attribute(let named) = axes else { return nil }
    graph.setInput(node, 1, toIntegers: named, "_axes")
    graph[node].op = Unsqueeze(axes: .input)
    return "axes as an input"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    let named: [Int]
    switch axes {
    case .attribute(let axes): named = axes
    case .input:
      guard inputs.isPresent(1) else { throw .missingInput(index: 1, name: "axes") }
      guard let axes = try inputs.integers(1) else { return [TensorType(type.elementType, nil)] }
      named = axes
    }
    guard var dimensions = type.dimensions else { return [TensorType(type.elementType, nil)] }
    for axis in try Axes.normalized(named, rank: dimensions.count + named.count) {
      dimensions.insert(1, at: axis)
    }
    return [TensorType(type.elementType, dimensions)]
  }
}

extension Unsqueeze: DifferentiableOperator {
  /// The input's memory in row-major order.
  package func makeKernel(_ context: KernelContext) -> any Kernel { ViewKernel(context) }

  /// dX is dY in the shape of X.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { InferredTrainingKernel.view(makeKernel(context.kernel)) }
}

extension Unsqueeze: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? { inputs.elements(0) }
}
