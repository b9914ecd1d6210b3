import Execution
import GraphIR
import TensorCore

/// The data with blocks updated at tuples of indices (ONNX ScatterND, opset 11, 13, 16, 18).
///
/// Data `[D_1...D_k, block]`, indices `[tuples, k]`, updates `[tuples, block]`. `reduction` (opset 16; `max`,
/// `min` opset 18) joins an update with what stands at its place. Updates of one place are applied in order.
package struct ScatterND: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "ScatterND", since: 11, inputs: 3...3, inputTypes: [.any, .index, .any])

  package var reduction: ScatterReduction

  package init(reduction: ScatterReduction = .replace) { self.reduction = reduction }

  package init(attributes: AttributeReader) throws(OperatorError) {
    reduction =
      attributes.opset < 16 ? .replace : try ScatterReduction(attributes: attributes)
  }

  package func attributes() -> [Attribute] { reduction.attributes }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let expected = try BlockIndexing.infer(inputs, batchRank: 0)
    try Scatter.check(updates: inputs.type(2), expected)
    return [inputs.type(0)]
  }
}

extension ScatterND: DifferentiableOperator {
  /// A copy of the data, then one block a tuple; an index outside its axis is refused when the kernel runs.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let data = try context.input(0)
    let byteCount = try data.elementBytes() * data.type.count
    let places = try BlockIndexing(context, batchRank: 0)
    let put = try reduction.body(data)
    return ClosureKernel(context, overwritableInput: 0) { (operands) throws(KernelError) in
      let y = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
      Scatter.copy(operands, byteCount)
      let updates = UnsafeRawPointer(operands.input(2, as: UInt8.self))
      let length = places.blockCount
      try places.forEach(operands.input(1, as: UInt8.self)) {
        put(y, $1 * length, updates, $0 * length, length)
      }
    }
  }

  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let places = try BlockIndexing(context.kernel, batchRank: 0)
    let count = try context.kernel.floatInput(0).type.count
    let length = places.blockCount
    return InferredTrainingKernel("scatter blocks", kernel, preferred: .rowMajor) {
      (context) throws(KernelError) in
      try reduction.backward(context, dataCount: count, count: length) {
        (indices, body) throws(KernelError) in
        try places.forEach(indices) { body($0 * length, $1 * length) }
      }
    }
  }
}
