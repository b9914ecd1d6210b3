import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `Y = alpha * A' * B' + beta * C`, where a prime is a transposition if asked for (ONNX Gemm, opset 7,
/// 9, 11, 13).
///
/// Inputs: A `[M, K]`, B `[K, N]`, optional C that broadcasts to `[M, N]`.
package struct Gemm: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("Gemm", inputs: 2...3, inputTypes: [.numeric])

  package var dotProduct: DotProductForm? {
    .gemm(
      alpha: alpha, beta: beta, transposesLeft: transposesA, transposesRight: transposesB)
  }

  package var alpha: Float
  package var beta: Float
  package var transposesA: Bool
  package var transposesB: Bool

  package init(
    alpha: Float = 1, beta: Float = 1, transposesA: Bool = false, transposesB: Bool = false
  ) {
    self.alpha = alpha
    self.beta = beta
    self.transposesA = transposesA
    self.transposesB = transposesB
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      alpha: try attributes.float("alpha", default: 1),
      beta: try attributes.float("beta", default: 1),
      transposesA: try attributes.bool("transA", default: false),
      transposesB: try attributes.bool("transB", default: false))
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("alpha", .float(alpha)), Attribute("beta", .float(beta)),
      Attribute("transA", .int(transposesA ? 1 : 0)),
      Attribute("transB", .int(transposesB ? 1 : 0)),
    ]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0)?.elementType else { return [nil] }
    for index in 0..<2 {
      if let rank = inputs.dimensions(index)?.count, rank != 2 {
        throw .rank(input: index, expected: "2", actual: rank)
      }
    }
    guard let a = inputs.dimensions(0), let b = inputs.dimensions(1) else {
      return [TensorType(type, [.unknown, .unknown])]
    }
    let (rows, inner) = transposesA ? (a[1], a[0]) : (a[0], a[1])
    let (innerB, columns) = transposesB ? (b[1], b[0]) : (b[0], b[1])
    if let k = inner.size, let other = innerB.size, k != other {
      throw .mismatch(what: "inner dimension of B", expected: "\(k)", actual: "\(other)")
    }
    if let c = inputs.dimensions(2) {
      guard c.count <= 2 else { throw .rank(input: 2, expected: "at most 2", actual: c.count) }
      for (size, target) in zip(c.reversed(), [columns, rows]) {
        if let size = size.size, let target = target.size, size != 1, size != target {
          throw .mismatch(what: "dimension of C", expected: "1 or \(target)", actual: "\(size)")
        }
      }
    }
    return [TensorType(type, [rows, columns])]
  }
}

extension Gemm: DifferentiableOperator {
  /// oneDNN's matrix product with C as its bias; other factors than 1 take a second pass. Plain loops for
  /// other types than float.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let a = try context.input(0).shape
    let b = try context.input(1).shape
    let c = context.optional(2)
    let rows = transposesA ? a[1] : a[0]
    let inner = transposesA ? a[0] : a[1]
    let columns = transposesB ? b[0] : b[1]
    let left = ([rows, inner], transposesA ? [1, rows] : [inner, 1])
    let right = ([inner, columns], transposesB ? [1, inner] : [columns, 1])
    if try context.input(0).elementType != .float32 {
      return try PlainMatrixKernels.make(
        context, a: left, b: right, output: [rows, columns], alpha: alpha,
        addend: c.map { ($0.shape, beta) })
    }
    _ = try context.floatInput(1)
    let isPlain = isPlain(hasC: c != nil)
    let addsBias = isPlain && c != nil
    if c != nil { _ = try context.floatInput(2) }
    var bias: [Int]?
    if addsBias, let c { bias = [Int](repeating: 1, count: 2 - c.shape.count) + c.shape }
    let product = try MatrixKernels.make(
      context, a: left, b: right, bias: bias, output: [rows, columns])
    return isPlain ? product : scaled(product, c, rows: rows, columns: columns)
  }

  /// dA = alpha dY B'^T and dB = alpha A'^T dY, transposed back where the operand was; dC = beta dY, summed
  /// over the axes along which C was repeated.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let forward = try makeKernel(context.kernel)
    let a = try context.kernel.floatInput(0).shape
    let b = try context.kernel.floatInput(1).shape
    let gradients = MatrixGradients(
      engine: context.engine, a: .init(shape: a, isTransposed: transposesA),
      b: .init(shape: b, isTransposed: transposesB), output: try context.kernel.output().shape,
      alpha: alpha)
    let c = context.wantsGradient(2) ? try context.kernel.floatInput(2).shape : nil
    let beta = beta
    return InferredTrainingKernel("matrix product", forward, preferred: .rowMajor) {
      (context) throws(KernelError) in
      try gradients.backward(
        wanted: context.wanted, addend: c.map { ($0, beta) })
    }
  }

  /// Whether the product and C are added as they are.
  func isPlain(hasC: Bool) -> Bool { alpha == 1 && (!hasC || beta == 1) }

  private func scaled(_ product: any Kernel, _ c: KernelInput?, rows: Int, columns: Int)
    -> any Kernel
  {
    let pairs = BroadcastRows([rows, columns], c?.shape ?? [], output: [rows, columns])
    return ClosureKernel(inputs: product.inputs, outputs: product.outputs) {
      (operands) throws(KernelError) in
      try product.forward(operands)
      let y = operands.output(as: Float.self)
      guard c != nil, beta != 0 else {
        for i in 0..<rows * columns { y[i] *= alpha }
        return
      }
      let bias = operands.input(2, as: Float.self)
      pairs.forEach(0..<pairs.count) { _, at, from in
        for i in 0..<pairs.length {
          let position = at + i * pairs.stepA
          y[position] = alpha * y[position] + beta * bias[from + i * pairs.stepB]
        }
      }
    }
  }
}

extension Gemm: FusibleOperator {
  package func absorption(_ inputs: [ConcreteType?]) -> Absorption {
    isPlain(hasC: inputs.count > 2 && inputs[2] != nil) ? .rectifier : []
  }
}
