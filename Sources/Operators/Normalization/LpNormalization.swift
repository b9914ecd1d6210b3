import Execution
import GraphIR
import TensorCore

/// `y = x / ||x||`, the norm of order 1 or 2 along an axis; where it is 0 the result is 0 (ONNX LpNormalization,
/// opset 1, 22).
package struct LpNormalization: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "LpNormalization", since: 1, inputs: 1...1, inputTypes: [.float])

  package var normalizes: Bool { true }

  package var axis: Int
  package var order: Int

  package init(axis: Int = -1, order: Int = 2) {
    self.axis = axis
    self.order = order
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      axis: try attributes.int("axis", default: -1), order: try attributes.int("p", default: 2))
    guard order == 1 || order == 2 else {
      throw .attributeValue(name: "p", value: "\(order)", allowed: "1, 2")
    }
  }

  package func attributes() -> [Attribute] {
    [Attribute("axis", .int(Int64(axis))), Attribute("p", .int(Int64(order)))]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    if let rank = inputs.dimensions(0)?.count { _ = try Axes.normalized(axis, rank: rank) }
    return [inputs.type(0)]
  }
}

extension LpNormalization: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let lines = try lines(context)
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: Float.self)
      let y = operands.output(as: Float.self)
      lines.forEachRange(sharing: x, y) { range, x, y in
        for line in range {
          let start = lines.start(line)
          let norm = norm(lines, x + start)
          let factor = norm > 0 ? 1 / norm : 0
          for i in 0..<lines.length {
            let place = start + i * lines.stride
            y[place] = Float(Double(x[place]) * factor)
          }
        }
      }
    }
  }

  private func lines(_ context: KernelContext) throws(KernelError) -> AxisLines {
    let shape = try context.floatInput(0).shape
    return AxisLines(shape, axis: try context.normalized(axis, rank: shape.count))
  }

  private func norm(_ lines: AxisLines, _ x: UnsafePointer<Float>) -> Double {
    var sum = 0.0
    for i in 0..<lines.length {
      let value = Double(x[i * lines.stride])
      sum += order == 1 ? value.magnitude : value * value
    }
    return order == 1 ? sum : sum.squareRoot()
  }

  /// With n the norm: dX = (dY - d sum(dY y)) / n, where d is y for order 2 and the sign of x for order 1.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let lines = try lines(context.kernel)
    return InferredTrainingKernel.rowMajor("normalization", kernel) { part in
      lines.forEachRange { range in
        for line in range {
          let start = lines.start(line)
          let norm = norm(lines, part.x + start)
          let factor = norm > 0 ? 1 / norm : 0
          var sum = 0.0
          for i in 0..<lines.length {
            let place = start + i * lines.stride
            sum += Double(part.dy[place]) * Double(part.x[place]) * factor
          }
          for i in 0..<lines.length {
            let place = start + i * lines.stride
            let value = Double(part.x[place])
            let direction = order == 2 ? value * factor : value > 0 ? 1 : value < 0 ? -1 : 0
            part.dx[place] = Float((Double(part.dy[place]) - direction * sum) * factor)
          }
        }
      }
    }
  }
}
