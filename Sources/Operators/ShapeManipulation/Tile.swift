import Execution
import GraphIR
import TensorCore

/// Repeats a tensor as a whole along each axis (ONNX Tile, opset 6, 13).
package struct Tile: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Tile", since: 6, inputs: 2...2, inputTypes: [.any, .index])

  package var movement: ElementMovement? { ElementMovement(.selected) }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions else { return [TensorType(type.elementType, nil)] }
    guard let repeats = inputs.elements(1) else {
      return [TensorType(type.elementType, Dimensions.unknown(rank: dimensions.count))]
    }
    guard repeats.count == dimensions.count else {
      throw .arity(
        what: "repeats", expected: dimensions.count...dimensions.count, actual: repeats.count)
    }
    var result: [Dimension] = []
    for (dimension, count) in zip(dimensions, repeats) {
      if let count = count.size, count < 0 {
        throw .outOfRange(what: "repeats", value: count, allowed: "0 or more")
      }
      result.append(count == 1 ? dimension : try Dimensions.product([dimension, count]))
    }
    return [TensorType(type.elementType, result)]
  }
}

extension Tile: DifferentiableOperator {
  /// A copy in which each axis is two: the repetitions, which stand still, and the axis itself.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    let split = try split(context)
    let own = Shape.strides(input.shape)
    let copy = try StridedCopy(
      input.elementType, shape: split, source: own.flatMap { [0, $0] })
    return ClosureKernel(context) { operands in
      copy.run(from: operands.input(0), to: operands.output())
    }
  }

  /// dX sums dY over the repetitions.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let input = try context.kernel.floatInput(0).shape
    let sum = BroadcastSum(input.flatMap { [1, $0] }, output: try split(context.kernel))
    return InferredTrainingKernel("tile", kernel, preferred: .rowMajor) { _ in
      Backward(
        "tile gradient", operands: [.gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)],
        scratchByteCounts: [sum.scratchByteCount]
      ) { operands in
        sum.run(
          operands.input(0, as: Float.self), sums: operands.output(1, as: Double.self),
          into: operands.output(0, as: Float.self))
      }
    }
  }

  /// The output's shape with each axis as repetitions and size.
  private func split(_ context: KernelContext) throws(KernelError) -> [Int] {
    let (x, y) = (try context.input(0).shape, try context.output().shape)
    return zip(x, y).flatMap { size, total in [size == 0 ? 0 : total / size, size] }
  }
}
