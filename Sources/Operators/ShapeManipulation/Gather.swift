import Execution
import GraphIR
import TensorCore

/// Slices of `data` along `axis` at `indices` (ONNX Gather, opset 1, 11, 13).
///
/// The output's shape is the data's with `axis` replaced by the shape of the indices; negative indices
/// count from the end.
package struct Gather: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Gather", since: 1, inputs: 2...2, inputTypes: [.any, .anyIndex])

  package var movement: ElementMovement? { ElementMovement(.selected) }

  package var axis: Int

  package init(axis: Int = 0) { self.axis = axis }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = try attributes.int("axis", default: 0)
  }

  package func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let data = inputs.type(0) else { return [nil] }
    guard let dimensions = data.dimensions else { return [TensorType(data.elementType, nil)] }
    guard !dimensions.isEmpty else { throw .rank(input: 0, expected: "at least 1", actual: 0) }
    let axis = try Axes.normalized(axis, rank: dimensions.count)
    guard let indices = inputs.dimensions(1) else { return [TensorType(data.elementType, nil)] }
    return [
      TensorType(
        data.elementType, Array(dimensions[..<axis]) + indices + dimensions[(axis + 1)...])
    ]
  }
}

extension Gather: DifferentiableOperator {
  /// A copy of one block an index.
  ///
  /// An index outside the axis is refused when the kernel runs.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let indices = try context.input(1)
    switch indices.elementType {
    case .int32: return try kernel(context, Int32.self)
    case .int64: return try kernel(context, Int64.self)
    case let other:
      throw .operator(.elementType(input: 1, actual: other, allowed: .anyIndex))
    }
  }

  /// dX sums dY over the places that a slice was copied to.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let forward = try makeKernel(context.kernel)
    let blocks = try blocks(context.kernel)
    let isWide = try context.kernel.input(1).elementType == .int64
    return InferredTrainingKernel("gather", forward, preferred: .rowMajor) { _ in
      Backward(
        "gather gradient", operands: [.input(1, .rowMajor), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { (operands) throws(KernelError) in
        let dx = operands.output(0, as: Float.self)
        dx.update(repeating: 0, count: blocks.outer * blocks.size * blocks.inner)
        let dy = operands.input(1, as: Float.self)
        func add(_ source: Int, _ target: Int) {
          for i in 0..<blocks.inner {
            dx[source * blocks.inner + i] += dy[target * blocks.inner + i]
          }
        }
        if isWide {
          try blocks.forEach(operands.input(0, as: Int64.self), add)
        } else {
          try blocks.forEach(operands.input(0, as: Int32.self), add)
        }
      }
    }
  }

  private func kernel<Index: TensorElement & FixedWidthInteger>(
    _ context: KernelContext, _ type: Index.Type
  ) throws(KernelError) -> any Kernel {
    let data = try context.input(0)
    guard let bits = data.elementType.bitWidth, bits % 8 == 0 else {
      throw .operator(.unsupported(what: "element type \(data.elementType.onnxName)"))
    }
    let blocks = try blocks(context)
    let byteCount = blocks.inner * (bits / 8)
    return ClosureKernel(context) { (operands) throws(KernelError) in
      let (x, y) = (operands.input(0, as: UInt8.self), operands.output(as: UInt8.self))
      try blocks.forEach(operands.input(1, as: Index.self)) { source, target in
        (y + target * byteCount).update(from: x + source * byteCount, count: byteCount)
      }
    }
  }

  private func blocks(_ context: KernelContext) throws(KernelError) -> Blocks {
    let shape = try context.input(0).shape
    let axis = try context.normalized(self.axis, rank: shape.count)
    return Blocks(
      outer: shape[..<axis].reduce(1, *), size: shape[axis],
      inner: shape[(axis + 1)...].reduce(1, *), count: try context.input(1).type.count)
  }

  /// The data as rows of `size` blocks of `inner` elements, of which `count` are taken.
  private struct Blocks: Sendable {
    var outer: Int
    var size: Int
    var inner: Int
    var count: Int

    /// Calls `body` with the places, in blocks, of each block and of its copy.
    ///
    /// - Throws: ``OperatorError/outOfRange(what:value:allowed:)`` for an index outside the axis.
    func forEach<Index: FixedWidthInteger>(
      _ indices: UnsafePointer<Index>, _ body: (_ source: Int, _ target: Int) -> Void
    ) throws(KernelError) {
      for row in 0..<outer {
        for position in 0..<count {
          let given = Int(indices[position])
          guard let index = Shape.normalizedAxis(given, rank: size) else {
            throw .operator(
              .outOfRange(what: "index", value: given, allowed: "\(-size)..<\(size)"))
          }
          body(row * size + index, row * count + position)
        }
      }
    }
  }
}

extension Gather: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    guard let data = inputs.vector(0), let indices = inputs.constant(1)?.integers() else {
      return nil
    }
    var result: [Dimension] = []
    for index in indices {
      guard let index = Shape.normalizedAxis(index, rank: data.count) else { return nil }
      result.append(data[index])
    }
    return result
  }
}
