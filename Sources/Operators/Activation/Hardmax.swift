import Execution
import GraphIR
import TensorCore

/// 1 at the first largest element along an axis, 0 elsewhere (ONNX Hardmax, opset 1, 11, 13).
package struct Hardmax: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Hardmax", since: 1, inputs: 1...1, inputTypes: [.float])

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    OutputRange(minimum: 0, maximum: 1)
  }

  package var axis: SoftmaxAxis

  package init(axis: Int = -1) { self.axis = SoftmaxAxis(axis) }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = try SoftmaxAxis(attributes: attributes)
  }

  package func attributes() -> [Attribute] { axis.attributes }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    axis.raise(node, in: &graph, across: opsets) { Hardmax(axis: $0) }
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try axis.infer(inputs)
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    _ = try context.floatInput(0)
    let lines = try axis.lines(context)
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: Float.self)
      let y = operands.output(as: Float.self)
      lines.forEachRange(sharing: x, y) { range, x, y in
        for line in range {
          let start = lines.start(line)
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
}
