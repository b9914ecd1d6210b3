import Execution
import GraphIR
import TensorCore

/// Turns pairs of elements by angles that their position tells (ONNX RotaryEmbedding, opset 23):
///
///     y1 = cos x1 - sin x2,    y2 = sin x1 + cos x2
///
/// Inputs: X as samples x heads x positions x elements, or as samples x positions x (heads elements) with
/// `num_heads`; cosines and sines, of each pair, by sample and position or, where the optional position ids are given,
/// by id. A pair is an element of the first half of the turned ones and that of the second; with `interleaved`, two
/// neighbours. Of each head the first `rotary_embedding_dim` elements are turned, by default all; others are copied.
package struct RotaryEmbedding: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "RotaryEmbedding", since: 23, inputs: 3...4, inputTypes: [.float, .float, .float, .index])

  package var isInterleaved: Bool
  /// 0 where X has an axis of heads.
  package var heads: Int
  /// 0 for all.
  package var turned: Int

  package init(isInterleaved: Bool = false, heads: Int = 0, turned: Int = 0) {
    self.isInterleaved = isInterleaved
    self.heads = heads
    self.turned = turned
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      isInterleaved: try attributes.bool("interleaved", default: false),
      heads: try attributes.int("num_heads", default: 0),
      turned: try attributes.int("rotary_embedding_dim", default: 0))
    guard heads >= 0, turned >= 0, turned % 2 == 0 else {
      throw .attributeValue(
        name: "num_heads or rotary_embedding_dim", value: "\(heads), \(turned)",
        allowed: "0 or more, and an even number")
    }
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("interleaved", .int(isInterleaved ? 1 : 0)),
      Attribute("num_heads", .int(Int64(heads))),
      Attribute("rotary_embedding_dim", .int(Int64(turned))),
    ]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    if let rank = inputs.dimensions(0)?.count, rank != 3 && rank != 4 {
      throw .rank(input: 0, expected: "3 or 4", actual: rank)
    }
    if inputs.dimensions(0)?.count == 3, heads == 0 { throw .missingAttribute(name: "num_heads") }
    return [inputs.type(0)]
  }
}

extension RotaryEmbedding: DifferentiableOperator {
  /// Head by head in row-major order.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let rotation = try Rotation(self, context)
    return ClosureKernel(context) { (operands) throws(KernelError) in
      try rotation.run(
        operands.input(0), cos: operands.input(1), sin: operands.input(2),
        ids: rotation.hasIDs ? operands.input(3, as: Int64.self) : nil, into: operands.output())
    }
  }

  /// dX is dY turned back; cosines and sines are constants.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let rotation = try Rotation(self, context.kernel)
    let ids: [Backward.Operand] = rotation.hasIDs ? [.input(3, .rowMajor)] : []
    return InferredTrainingKernel("rotation", kernel, preferred: .rowMajor) { _ in
      Backward(
        "rotation gradient",
        operands: [.gradient(0, .rowMajor), .input(1, .rowMajor), .input(2, .rowMajor)] + ids,
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { (operands) throws(KernelError) in
        try rotation.run(
          operands.input(0), cos: operands.input(1), sin: operands.input(2), sign: -1,
          ids: rotation.hasIDs ? operands.input(3, as: Int64.self) : nil, into: operands.output())
      }
    }
  }

  /// Where elements stand, and what turns them.
  private struct Rotation: Sendable {
    private let (samples, heads, positions, elements): (Int, Int, Int, Int)
    private let (hasHeadsFirst, isInterleaved): (Bool, Bool)
    private let pairs: Int
    let hasIDs: Bool
    /// Rows of cosines, where ids name them.
    private let rows: Int

    init(_ op: RotaryEmbedding, _ context: KernelContext) throws(KernelError) {
      let shape = try context.floatInput(0).shape
      let (cos, sin) = (try context.floatInput(1), try context.floatInput(2))
      hasHeadsFirst = shape.count == 4
      samples = shape[0]
      heads = hasHeadsFirst ? shape[1] : max(op.heads, 1)
      positions = shape[shape.count - 2]
      elements = hasHeadsFirst ? shape[3] : shape[2] / heads
      isInterleaved = op.isInterleaved
      pairs = (op.turned == 0 ? elements : op.turned) / 2
      hasIDs = context.optional(3) != nil
      rows = hasIDs ? cos.shape.first ?? 0 : samples * positions
      guard 2 * pairs <= elements, hasHeadsFirst || elements > 0 && elements * heads == shape[2],
        cos.shape == sin.shape, cos.type.count == rows * pairs,
        !hasIDs || context.optional(3)?.type.count == samples * positions
      else {
        throw .operator(
          .mismatch(
            what: "cosines and sines",
            expected: hasIDs
              ? "\(pairs) for each id" : "\(samples) x \(positions) x \(pairs)",
            actual: "\(cos.shape) and \(sin.shape)"))
      }
    }

    /// - Throws: ``OperatorError/outOfRange(what:value:allowed:)`` for an id without a row.
    func run(
      _ x: UnsafePointer<Float>, cos: UnsafePointer<Float>, sin: UnsafePointer<Float>,
      sign: Float = 1, ids: UnsafePointer<Int64>?, into y: UnsafeMutablePointer<Float>
    ) throws(KernelError) {
      for index in 0..<samples * heads * positions {
        // In the order of memory.
        let (outer, inner) = index.quotientAndRemainder(
          dividingBy: hasHeadsFirst ? positions : heads)
        let sample = index / (heads * positions)
        let position = hasHeadsFirst ? inner : outer % positions
        var row = sample * positions + position
        if let ids {
          guard (0..<Int64(rows)).contains(ids[row]) else {
            throw .operator(
              .outOfRange(what: "position id", value: Int(ids[row]), allowed: "0 to \(rows - 1)"))
          }
          row = Int(ids[row])
        }
        let (from, to) = (x + index * elements, y + index * elements)
        to.update(from: from, count: elements)
        for pair in 0..<pairs {
          let first = isInterleaved ? 2 * pair : pair
          let second = isInterleaved ? first + 1 : first + pairs
          let (c, s) = (cos[row * pairs + pair], sign * sin[row * pairs + pair])
          to[first] = c * from[first] - s * from[second]
          to[second] = s * from[first] + c * from[second]
        }
      }
    }
  }
}
