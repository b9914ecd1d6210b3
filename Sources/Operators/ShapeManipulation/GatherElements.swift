import Execution
import GraphIR
import TensorCore

/// `y[i, j, ...] = data[i, indices[i, j, ...], ...]` with the index along `axis` (ONNX GatherElements, opset
/// 11, 13).
package struct GatherElements: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "GatherElements", since: 11, inputs: 2...2, inputTypes: [.any, .anyIndex])

  package var movement: ElementMovement? { ElementMovement(.selected) }

  package var axis: Int

  package init(axis: Int = 0) { self.axis = axis }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = try attributes.int("axis", default: 0)
  }

  package func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try ElementIndexing.infer(inputs, axis: axis)]
  }
}

extension GatherElements: DifferentiableOperator {
  /// A copy of one element an index; an index outside the axis is refused when the kernel runs.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let size = try context.input(0).elementBytes()
    let places = try ElementIndexing(context, axis: axis)
    return ClosureKernel(context) { (operands) throws(KernelError) in
      let x = UnsafeRawPointer(operands.input(0, as: UInt8.self))
      let y = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
      try places.forEach(operands.input(1, as: UInt8.self)) { position, place in
        (y + position * size).copyMemory(from: x + place * size, byteCount: size)
      }
    }
  }

  /// dData sums dY over the positions that read an element.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let places = try ElementIndexing(context.kernel, axis: axis)
    let count = try context.kernel.floatInput(0).type.count
    return InferredTrainingKernel("gather elements", kernel, preferred: .rowMajor) { _ in
      Backward(
        "gather elements gradient", operands: [.input(1, .rowMajor), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { (operands) throws(KernelError) in
        let dx = operands.output(0, as: Float.self)
        let dy = operands.input(1, as: Float.self)
        dx.update(repeating: 0, count: count)
        try places.forEach(operands.input(0, as: UInt8.self)) { dx[$1] += dy[$0] }
      }
    }
  }
}
