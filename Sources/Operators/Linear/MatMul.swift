import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The matrix product as numpy's `matmul`: leading dimensions broadcast (ONNX MatMul, opset 1, 9, 13).
///
/// A vector on the left is a row, on the right a column; the dimension added for it is removed again.
package struct MatMul: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "MatMul", since: 1, inputs: 2...2, inputTypes: [.numeric])

  package var dotProduct: DotProductForm? { .matMul }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0)?.elementType ?? inputs.type(1)?.elementType else {
      return [nil]
    }
    _ = try inputs.requireRank(0, atLeast: 1)
    _ = try inputs.requireRank(1, atLeast: 1)
    guard let left = inputs.dimensions(0), let right = inputs.dimensions(1) else {
      return [TensorType(type, nil)]
    }
    let a = left.count == 1 ? [1] + left : left
    let b = right.count == 1 ? right + [1] : right
    if let k = a[a.count - 1].size, let other = b[b.count - 2].size, k != other {
      throw .mismatch(what: "inner dimension of B", expected: "\(k)", actual: "\(other)")
    }
    var result = try Dimensions.broadcast(Array(a.dropLast(2)), Array(b.dropLast(2)))
    if left.count > 1 { result.append(a[a.count - 2]) }
    if right.count > 1 { result.append(b[b.count - 1]) }
    return [TensorType(type, result)]
  }
}

extension MatMul: DifferentiableOperator {
  /// oneDNN's matrix product, or plain loops for other types than float.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let (a, b, y) = try shapes(context)
    if try context.input(0).elementType != .float32 {
      return try PlainMatrixKernels.make(
        context, a: (a, Shape.strides(a)), b: (b, Shape.strides(b)), output: y)
    }
    _ = try context.floatInput(1)
    // A third input comes from an absorbed Add: one number for each column.
    let bias = context.optional(2).map {
      [Int](repeating: 1, count: y.count - 1) + [$0.type.count]
    }
    return try MatrixKernels.make(
      context, a: (a, Shape.strides(a)), b: (b, Shape.strides(b)), bias: bias, output: y)
  }

  /// dA = dY B^T and dB = A^T dY, summed over the leading dimensions along which an operand was repeated.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let forward = try makeKernel(context.kernel)
    let (a, b, y) = try shapes(context.kernel)
    let gradients = MatrixGradients(
      engine: context.engine, a: .init(shape: a, isTransposed: false),
      b: .init(shape: b, isTransposed: false), output: y)
    return InferredTrainingKernel("matrix product", forward, preferred: .rowMajor) {
      (context) throws(KernelError) in try gradients.backward(wanted: context.wanted)
    }
  }

  private func shapes(_ context: KernelContext) throws(KernelError)
    -> (a: [Int], b: [Int], y: [Int])
  { Self.stacks(try context.input(0).shape, try context.input(1).shape) }

  /// Both operands and the output as stacks of matrices of one rank. Where the right operand is a matrix, the
  /// left one's leading dimensions become rows of one product.
  static func stacks(_ left: [Int], _ right: [Int]) -> (a: [Int], b: [Int], y: [Int]) {
    var a = left.count == 1 ? [1] + left : left
    var b = right.count == 1 ? right + [1] : right
    var y = Array((Shape.broadcast(Array(a.dropLast(2)), Array(b.dropLast(2))) ?? []))
    y += [a[a.count - 2], b[b.count - 1]]
    if b.count == 2 {
      a = [a.dropLast().reduce(1, *), a[a.count - 1]]
      y = [a[0], b[1]]
    } else {
      a = [Int](repeating: 1, count: y.count - a.count) + a
      b = [Int](repeating: 1, count: y.count - b.count) + b
    }
    return (a, b, y)
  }
}

extension MatMul: FusibleOperator {
  package func absorption(_ inputs: [ConcreteType?]) -> Absorption { [.columnBias, .rectifier] }
}
