import CKernels
import DNNEngine
import Execution
import TensorCore

/// The gradients of a matrix product `Y = alpha A' B'`, where a prime is a transposition if asked for:
///
///     dA = alpha dY B'^T, or its transpose alpha B' dY^T
///     dB = alpha A'^T dY, or its transpose alpha dY^T A'
///
/// so that results stand in the order of the file and operands are read through strides. Leading dimensions
/// broadcast: the gradient of a repeated operand is summed over its repetitions.
struct MatrixGradients {
  /// A row-major stack of matrices as it stands in memory.
  struct Operand: Sendable {
    var shape: [Int]
    var isTransposed: Bool

    /// Its matrices as they enter the product, or the transposes of those.
    func view(transposed: Bool = false) -> MatrixProduct.Operand {
      var view = MatrixProduct.Operand(rowMajor: shape)
      if isTransposed != transposed {
        view.shape.swapAt(shape.count - 1, shape.count - 2)
        view.strides.swapAt(shape.count - 1, shape.count - 2)
      }
      return view
    }
  }

  let engine: Engine
  let a: Operand
  let b: Operand
  /// `[..., M, N]`, of the operands' rank.
  let output: [Int]
  var alpha: Float = 1

  /// The product that gives an operand's gradient.
  final class Part {
    /// Which of the inputs it reads beside the gradient.
    let other: Int
    private let product: MatrixProduct
    /// Whether the gradient is the product's left operand, the other input its right one.
    private let gradientLeads: Bool
    private let count: Int
    private let alpha: Float
    /// How the product is summed where the operand was repeated.
    private let sum: BroadcastSum?
    let scratchByteCounts: [Int]

    init(_ gradients: MatrixGradients, input: Int) throws(KernelError) {
      let (own, other) = input == 0 ? (gradients.a, gradients.b) : (gradients.b, gradients.a)
      self.other = 1 - input
      let dy = Operand(shape: gradients.output, isTransposed: false)
      // The gradient of the left operand comes from dY on the left, unless it is written transposed.
      let gradientLeads = (input == 0) != own.isTransposed
      let full = Array(gradients.output.dropLast(2) + own.shape.suffix(2))
      let upstream = dy.view(transposed: own.isTransposed)
      let factor = other.view(transposed: !own.isTransposed)
      product = try KernelError.engine(
        try MatrixProduct(
          gradients.engine, gradientLeads ? upstream : factor, gradientLeads ? factor : upstream,
          output: full))
      self.gradientLeads = gradientLeads
      count = full.reduce(1, *)
      alpha = gradients.alpha
      sum = full == own.shape ? nil : BroadcastSum(own.shape, output: full)
      scratchByteCounts =
        sum.map { [max(full.reduce(1, *), 1) * MemoryLayout<Float>.size, $0.scratchByteCount] }
        ?? []
    }

    /// - Parameter scratch: the first of its scratch buffers among the outputs.
    func run(
      _ operands: Operands, other: Int, gradient: Int, result: Int, scratch: Int
    ) throws(KernelError) {
      let (upstream, factor) = (operands.inputs[gradient], operands.inputs[other])
      try KernelError.engine(
        try product.run(
          left: gradientLeads ? upstream : factor, right: gradientLeads ? factor : upstream,
          into: operands.outputs[sum == nil ? result : scratch]))
      let target = operands.output(result, as: Float.self)
      if let sum {
        sum.run(
          UnsafePointer(operands.output(scratch, as: Float.self)), factor: alpha,
          sums: operands.output(scratch + 1, as: Double.self), into: target)
      } else if alpha != 1 {
        let alpha = alpha
        Parallelism.forEachRange(
          count: count, grain: MemoryDescriptor.AxisNest.grain, sharing: target
        ) { range, target in
          let start = target + range.lowerBound
          snug_affine(start, start, range.count, alpha, 0, 1)
        }
      }
    }
  }

  /// - Parameters:
  ///   - wanted: whether the gradient of each operand is.
  ///   - addend: a third input with `beta` as its factor; `nil` where there is none, or no gradient is wanted.
  func backward(wanted: [Bool], addend: (shape: [Int], beta: Float)? = nil) throws(KernelError)
    -> Backward
  {
    var operands = [Backward.Operand.gradient(0, .rowMajor)]
    var results: [Backward.Result] = []
    var scratch: [Int] = []
    var parts: [(part: Part, other: Int, scratch: Int)] = []
    for input in 0..<2 where wanted[input] {
      let part = try Part(self, input: input)
      parts.append((part, operands.count, scratch.count))
      operands.append(.input(part.other, .rowMajor))
      results.append(Backward.Result(input: input, layout: .rowMajor))
      scratch += part.scratchByteCounts
    }
    let sum = addend.map { BroadcastSum($0.shape, output: output) }
    let sumPlace = scratch.count
    if let sum {
      results.append(Backward.Result(input: 2, layout: .rowMajor))
      scratch.append(sum.scratchByteCount)
    }
    let beta = addend?.beta ?? 1
    let resultCount = results.count
    return Backward(
      "matrix product gradient", operands: operands, results: results, scratchByteCounts: scratch
    ) { [parts] (operands) throws(KernelError) in
      for (index, entry) in parts.enumerated() {
        try entry.part.run(
          operands, other: entry.other, gradient: 0, result: index,
          scratch: resultCount + entry.scratch)
      }
      guard let sum else { return }
      sum.run(
        operands.input(0, as: Float.self), factor: beta,
        sums: operands.output(resultCount + sumPlace, as: Double.self),
        into: operands.output(resultCount - 1, as: Float.self))
    }
  }
}
