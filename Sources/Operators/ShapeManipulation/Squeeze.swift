import Execution
import GraphIR
import TensorCore

/// Removes dimensions of size 1 (ONNX Squeeze, opset 1, 11, 13 to 25).
///
/// `axes` is an attribute before opset 13 and an optional input since; absent, every dimension of size 1
/// goes.
package struct Squeeze: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Squeeze", since: 1, inputs: 1...2, inputTypes: [.any, .index])

  package var movement: ElementMovement? { ElementMovement(.kept) }

  /// `nil` in the attribute form squeezes all.
  package enum Axes: Sendable, Hashable {
    case attribute([Int]?)
    case input
  }

  package var axes: Axes

  package init(axes: Axes) { self.axes = axes }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axes = attributes.opset < 13 ? .attribute(try attributes.ints("axes")) : .input
  }

  package func attributes() -> [Attribute] {
    guard case .attribute(let axes?) = axes else { return [] }
    return [Attribute("axes", .ints(axes.map(Int64.init)))]
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    guard opsets.crosses(13), case .attribute(let named) = axes else { return nil }
    if let named { graph.setInput(node, 1, toIntegers: named, "_axes") }
    graph[node].op = Squeeze(axes: .input)
    return "axes as an input"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions else { return [TensorType(type.elementType, nil)] }
    let named: [Int]?
    switch axes {
    case .attribute(let axes): named = axes
    case .input where inputs.isPresent(1):
      guard let axes = try inputs.integers(1) else { return [TensorType(type.elementType, nil)] }
      named = axes
    case .input: named = nil
    }
    guard let named else {
      let kept = dimensions.filter { $0 != 1 }
      // A dimension of unknown size may or may not be squeezed.
      let isKnown = dimensions.allSatisfy { $0.size != nil }
      return [TensorType(type.elementType, isKnown ? kept : nil)]
    }
    let removed = try GraphIR.Axes.normalized(named, rank: dimensions.count)
    for axis in removed {
      if let size = dimensions[axis].size, size != 1 {
        throw .mismatch(what: "squeezed dimension \(axis)", expected: "1", actual: "\(size)")
      }
    }
    return [
      TensorType(
        type.elementType, dimensions.indices.filter { !removed.contains($0) }.map { dimensions[$0] }
      )
    ]
  }
}

extension Squeeze: DifferentiableOperator {
  /// The input's memory in row-major order.
  package func makeKernel(_ context: KernelContext) -> any Kernel { ViewKernel(context) }

  /// dX is dY in the shape of X.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { InferredTrainingKernel.view(makeKernel(context.kernel)) }
}

extension Squeeze: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? { inputs.elements(0) }
}
