import Execution
import GraphIR
import TensorCore

/// Repeats a tensor along the axes in which a shape exceeds it, both ways as in broadcasting (ONNX Expand,
/// opset 8, 13).
package struct Expand: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Expand", since: 8, inputs: 2...2, inputTypes: [.any, .index])

  package var movement: ElementMovement? { ElementMovement(.selected) }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    for size in try inputs.integers(1) ?? [] where size < 0 {
      throw .outOfRange(what: "dimension in the shape", value: size, allowed: "0 or more")
    }
    guard let target = inputs.elements(1), let dimensions = type.dimensions else {
      return [TensorType(type.elementType, nil)]
    }
    return [
      TensorType(
        type.elementType, try Dimensions.broadcast(dimensions, target.map(\.asDimension)))
    ]
  }
}

extension Expand: DifferentiableOperator {
  /// A copy that stands still along the repeated axes.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    let output = try context.output().shape
    let own = Shape.strides(input.shape)
    let missing = output.count - input.shape.count
    let strides = output.indices.map { axis in
      axis < missing || input.shape[axis - missing] == 1 ? 0 : own[axis - missing]
    }
    let copy = try StridedCopy(input.elementType, shape: output, source: strides)
    return ClosureKernel(context) { operands in
      copy.run(from: operands.input(0), to: operands.output())
    }
  }

  /// dX sums dY over the repetitions.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let sum = BroadcastSum(
      try context.kernel.floatInput(0).shape, output: try context.kernel.output().shape)
    return InferredTrainingKernel("expand", kernel, preferred: .rowMajor) { _ in
      Backward(
        "expand gradient", operands: [.gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)],
        scratchByteCounts: [sum.scratchByteCount]
      ) { operands in
        sum.run(
          operands.input(0, as: Float.self), sums: operands.output(1, as: Double.self),
          into: operands.output(0, as: Float.self))
      }
    }
  }
}

extension Expand: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    guard let elements = inputs.elements(0), let target = inputs.elements(1), target.count <= 1
    else { return nil }
    guard let count = target.first else { return elements }
    // A target of 1 leaves the elements as they are.
    return count.size.flatMap {
      Dimension.repeated(elements, count: $0 == 1 ? elements.count : $0)
    }
  }
}
