import Execution
import GraphIR
import TensorCore

/// The upper or lower triangle of each matrix in a stack, zeros elsewhere (ONNX Trilu, opset 14).
///
/// The optional input `k`, an int64 scalar, names the diagonal that ends the triangle: 0 is the main one,
/// positive ones lie above it.
package struct Trilu: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Trilu", since: 14, inputs: 1...2, inputTypes: [.any, .index])

  package var isUpper: Bool

  package init(isUpper: Bool = true) { self.isUpper = isUpper }

  package init(attributes: AttributeReader) throws(OperatorError) {
    isUpper = try attributes.bool("upper", default: true)
  }

  package func attributes() -> [Attribute] { [Attribute("upper", .int(isUpper ? 1 : 0))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    _ = try inputs.requireRank(0, atLeast: 2)
    if let shape = inputs.type(1)?.shape, Shape.elementCount(shape) != 1 {
      throw .mismatch(what: "elements of k", expected: "1", actual: "\(shape.reduce(1, *))")
    }
    return [inputs.type(0)]
  }
}

extension Trilu: DifferentiableOperator {
  /// A copy of the part of each row that lies in the triangle.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let rows = try Rows(try context.input(0), isUpper: isUpper)
    let hasDiagonal = context.optional(1) != nil
    return ClosureKernel(context) { operands in
      rows.copy(
        operands.input(0), to: operands.output(),
        diagonal: hasDiagonal ? operands.input(1, as: Int64.self)[0] : 0)
    }
  }

  /// dX is the same triangle of dY.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let rows = try Rows(try context.kernel.floatInput(0), isUpper: isUpper)
    let hasDiagonal = context.kernel.optional(1) != nil
    return InferredTrainingKernel("triangle", kernel, preferred: .rowMajor) { _ in
      Backward(
        "triangle gradient",
        operands: [.gradient(0, .rowMajor)] + (hasDiagonal ? [.input(1, .rowMajor)] : []),
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        rows.copy(
          operands.input(0), to: operands.output(),
          diagonal: hasDiagonal ? operands.input(1, as: Int64.self)[0] : 0)
      }
    }
  }

  /// A stack of matrices in bytes.
  private struct Rows: Sendable {
    private let count: Int
    private let rows: Int
    private let columns: Int
    private let size: Int
    private let isUpper: Bool

    init(_ input: KernelInput, isUpper: Bool) throws(KernelError) {
      rows = input.shape[input.shape.count - 2]
      columns = input.shape[input.shape.count - 1]
      count = input.shape.dropLast().reduce(1, *)
      size = try input.elementBytes()
      self.isUpper = isUpper
    }

    func copy(_ x: UnsafePointer<UInt8>, to y: UnsafeMutablePointer<UInt8>, diagonal: Int64) {
      // Beyond the matrix no diagonal differs from the next one.
      let k = Int(min(max(diagonal, Int64(-rows)), Int64(columns)))
      y.update(repeating: 0, count: count * columns * size)
      for row in 0..<count {
        let edge = min(max(row % rows + k + (isUpper ? 0 : 1), 0), columns)
        let kept = isUpper ? edge..<columns : 0..<edge
        let start = (row * columns + kept.lowerBound) * size
        (y + start).update(from: x + start, count: kept.count * size)
      }
    }
  }
}
