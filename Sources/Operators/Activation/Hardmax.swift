import Execution
import GraphIR
import TensorCore

/// 1 at the first largest element along an axis, 0 elsewhere (ONNX Hardmax, opset 1, 11, 13).
public struct Hardmax: SerializableOperator, ExecutableOperator {
  public static let schema = OperatorSchema(
    "Hardmax", since: 1, inputs: 1...1, inputTypes: [.float])

  public func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    OutputRange(minimum: 0, maximum: 1)
  }

  public var axis: SoftmaxAxis

  public init(axis: Int = -1) { self.axis = SoftmaxAxis(axis) }

  public init(attributes: AttributeReader) throws(OperatorError) {
    axis = try SoftmaxAxis(attributes: attributes)
  }

  public func attributes() -> [Attribute] { axis.attributes }

  public func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    axis.raise(node, in: &graph, across: opsets) { Hardmax(axis: $0) }
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try axis.infer(inputs)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    _ = try context.floatInput(0)
    let lines = try axis.lines(context)
    return ClosureKernel(context) { operands in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      lines.forEach { _, start in
        var largest = start
        for i in 0..<lines.length {
          let place = start + i * lines.stride
          if x[place] > x[largest] { largest = place }
          y[place] = 0
        }
        if lines.length > 0 { y[largest] = 1 }
      }
    }
  }
}
