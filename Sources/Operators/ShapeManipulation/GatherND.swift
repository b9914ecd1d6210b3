import Execution
import GraphIR
import TensorCore

/// Blocks of `data` at tuples of indices (ONNX GatherND, opset 11, 12, 13).
///
/// Data `[batch, D_1...D_k, block]`, indices `[batch, tuples, k]`, output `[batch, tuples, block]`, with
/// `batch_dims` (opset 12) dimensions in the batch.
package struct GatherND: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "GatherND", since: 11, inputs: 2...2, inputTypes: [.any, .index])

  package var movement: ElementMovement? { ElementMovement(.selected) }

  package var batchRank: Int

  package init(batchRank: Int = 0) { self.batchRank = batchRank }

  package init(attributes: AttributeReader) throws(OperatorError) {
    batchRank = try attributes.int("batch_dims", default: 0)
    guard (0...64).contains(batchRank) else {
      throw .attributeValue(name: "batch_dims", value: "\(batchRank)", allowed: "0 to 64")
    }
  }

  package func attributes() -> [Attribute] {
    batchRank == 0 ? [] : [Attribute("batch_dims", .int(Int64(batchRank)))]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try BlockIndexing.infer(inputs, batchRank: batchRank)]
  }
}

extension GatherND: DifferentiableOperator {
  /// A copy of one block a tuple; an index outside its axis is refused when the kernel runs.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let places = try BlockIndexing(context, batchRank: batchRank)
    let size = try context.input(0).elementBytes() * places.blockCount
    return ClosureKernel(context) { (operands) throws(KernelError) in
      let x = UnsafeRawPointer(operands.input(0, as: UInt8.self))
      let y = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
      try places.forEach(operands.input(1, as: UInt8.self)) { tuple, block in
        (y + tuple * size).copyMemory(from: x + block * size, byteCount: size)
      }
    }
  }

  /// dData sums dY over the tuples that read a block.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let places = try BlockIndexing(context.kernel, batchRank: batchRank)
    let count = try context.kernel.floatInput(0).type.count
    return InferredTrainingKernel("gather blocks", kernel, preferred: .rowMajor) { _ in
      Backward(
        "gather blocks gradient", operands: [.input(1, .rowMajor), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { (operands) throws(KernelError) in
        let dx = operands.output(0, as: Float.self)
        let dy = operands.input(1, as: Float.self)
        let length = places.blockCount
        dx.update(repeating: 0, count: count)
        try places.forEach(operands.input(0, as: UInt8.self)) { tuple, block in
          for i in 0..<length { dx[block * length + i] += dy[tuple * length + i] }
        }
      }
    }
  }
}
