import Execution
import GraphIR
import TensorCore

/// What GatherND and ScatterND share: tuples of indices, each of which names a block of the data.
///
/// The data is `[batch, D_1...D_k, block]`, the indices are `[batch, tuples, k]`.
struct BlockIndexing: Sendable {
  private let indices: IndexElements
  private let batches: Int
  private let tuplesPerBatch: Int
  /// The dimensions that a tuple indexes.
  private let indexed: [Int]
  /// Elements of a block.
  let blockCount: Int

  init(_ context: KernelContext, batchRank: Int) throws(KernelError) {
    let data = try context.input(0).shape
    let shape = try context.input(1).shape
    let length = shape.last ?? 0
    indices = try IndexElements(context, input: 1)
    batches = data[..<batchRank].reduce(1, *)
    tuplesPerBatch = shape.dropLast().dropFirst(batchRank).reduce(1, *)
    indexed = Array(data[batchRank..<batchRank + length])
    blockCount = data[(batchRank + length)...].reduce(1, *)
  }

  /// Calls `body` with each tuple and the place of its block in the data, both in blocks.
  ///
  /// - Throws: ``OperatorError/outOfRange(what:value:allowed:)`` for an index outside its axis.
  func forEach(_ memory: UnsafePointer<UInt8>, _ body: (_ tuple: Int, _ block: Int) -> Void)
    throws(KernelError)
  {
    for batch in 0..<batches {
      for tuple in batch * tuplesPerBatch..<(batch + 1) * tuplesPerBatch {
        var block = batch
        for (place, size) in indexed.enumerated() {
          let position = tuple * indexed.count + place
          block = block * size + (try indices.index(memory, position, size: size))
        }
        body(tuple, block)
      }
    }
  }

  /// The type of GatherND's output and of ScatterND's updates.
  ///
  /// - Throws: ``OperatorError`` where the tuples are longer than the data has dimensions.
  static func infer(_ inputs: [InputInfo?], batchRank: Int) throws(OperatorError) -> TensorType? {
    guard let data = inputs.type(0) else { return nil }
    guard let dimensions = data.dimensions, let indices = inputs.dimensions(1) else {
      return TensorType(data.elementType, nil)
    }
    guard indices.count > batchRank, dimensions.count > batchRank else {
      throw .rank(
        input: indices.count > batchRank ? 0 : 1, expected: "more than batch_dims \(batchRank)",
        actual: min(indices.count, dimensions.count))
    }
    for axis in 0..<batchRank {
      if let a = dimensions[axis].size, let b = indices[axis].size, a != b {
        throw .mismatch(
          what: "dimension \(axis) of the indices", expected: "\(a)", actual: "\(b)")
      }
    }
    guard let length = indices[indices.count - 1].size else {
      return TensorType(data.elementType, nil)
    }
    guard length >= 1, length <= dimensions.count - batchRank else {
      throw .outOfRange(
        what: "length of an index", value: length,
        allowed: "1 to \(dimensions.count - batchRank)")
    }
    return TensorType(
      data.elementType, indices.dropLast() + dimensions[(batchRank + length)...])
  }
}
