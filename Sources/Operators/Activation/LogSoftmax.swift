import Execution
import GraphIR
import TensorCore

/// `y = x - log(sum(exp(x)))` (ONNX LogSoftmax, opset 1, 11, 13).
package struct LogSoftmax: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "LogSoftmax", since: 1, inputs: 1...1, inputTypes: [.float])

  package var axis: SoftmaxAxis

  package init(axis: Int = -1) { self.axis = SoftmaxAxis(axis) }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = try SoftmaxAxis(attributes: attributes)
  }

  package func attributes() -> [Attribute] { axis.attributes }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    axis.raise(node, in: &graph, across: opsets) { LogSoftmax(axis: $0) }
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try axis.infer(inputs)
  }
}

extension LogSoftmax: DifferentiableOperator {
  /// Line by line in row-major order, relative to the largest element, sums in double precision.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    _ = try context.floatInput(0)
    let lines = try axis.lines(context)
    return ClosureKernel(context, overwritableInput: 0) { operands in
      let x = operands.input(0, as: Float.self)
      let y = operands.output(as: Float.self)
      lines.forEachRange(sharing: x, y) { range, x, y in
        for line in range {
          let start = lines.start(line)
          var largest = -Float.infinity
          for i in 0..<lines.length { largest = max(largest, x[start + i * lines.stride]) }
          var sum = 0.0
          for i in 0..<lines.length { sum += Double(expf(x[start + i * lines.stride] - largest)) }
          let offset = Double(largest) + log(sum)
          for i in 0..<lines.length {
            let place = start + i * lines.stride
            y[place] = Float(Double(x[place]) - offset)
          }
        }
      }
    }
  }

  /// dX = dY - e^y s, with s the sum of dY along the axis.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let lines = try axis.lines(context.kernel)
    return InferredTrainingKernel("log softmax", kernel, preferred: .rowMajor) { _ in
      Backward(
        "log softmax gradient", operands: [.output(0), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let (y, dy) = (
          operands.input(0, as: Float.self), operands.input(1, as: Float.self)
        )
        let dx = operands.output(as: Float.self)
        lines.forEachRange(sharing: y, dy, dx) { range, y, dy, dx in
          for line in range {
            let start = lines.start(line)
            var sum = 0.0
            for i in 0..<lines.length { sum += Double(dy[start + i * lines.stride]) }
            for i in 0..<lines.length {
              let place = start + i * lines.stride
              dx[place] = dy[place] - expf(y[place]) * Float(sum)
            }
          }
        }
      }
    }
  }
}
