import Execution
import GraphIR
import Operators
import TensorCore

/// A dot-product layer whose sums run in a register of limited width, on the integers that its operands stand
/// for.
///
/// Made for inference, never read from a file. Inputs and output are those of the operator in whose place it
/// stands: X and the weight (which tells the shape alone), in either order, and an optional bias of one number a
/// channel, added after the register. A bias that the layer holds as integers is in the register, and taken off the result again, since
/// the graph adds it as a real number: here or in an Add behind.
struct NarrowAccumulation: ExecutableOperator {
  /// The operator in whose place it stands.
  enum Product: Sendable, Hashable {
    case conv(Conv)
    case convTranspose(ConvTranspose)
    case gemm(Gemm)
    case matMul(MatMul)

    var op: any ExecutableOperator {
      switch self {
      case .conv(let op): op
      case .convTranspose(let op): op
      case .gemm(let op): op
      case .matMul(let op): op
      }
    }
  }

  static let schema = OperatorSchema(
    domain: "snug.inference", "NarrowAccumulation", inputs: 2...3, inputTypes: [.float])

  let product: Product
  let layer: IntegerLayer
  let accumulator: NarrowAccumulator
  let counter: OverflowCounter

  /// The file's operator, which errors name.
  var type: String { product.op.type }

  /// `nil` for an operator whose sums aren't emulated.
  init?(
    _ op: any Operator, layer: IntegerLayer, accumulator: NarrowAccumulator,
    counter: OverflowCounter
  ) {
    switch op {
    case let op as Conv: product = .conv(op)
    case let op as ConvTranspose: product = .convTranspose(op)
    case let op as Gemm where !op.transposesA: product = .gemm(op)
    case let op as MatMul: product = .matMul(op)
    default: return nil
    }
    self.layer = layer
    self.accumulator = accumulator
    self.counter = counter
  }

  func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try product.op.infer(inputs)
  }
}

extension NarrowAccumulation {
  /// Blocks of dot products side by side, each block on one thread.
  func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.checkOutputs()
    let geometry = try ProductGeometry(
      product, left: try context.floatInput(0), right: try context.floatInput(1),
      output: try context.output().shape, channels: layer.scales.count)
    let blocks = try AccumulatorBlocks(layer, accumulator, geometry)
    let bias = try Bias(context, channels: layer.scales.count)
    let (alpha, beta) =
      if case .gemm(let gemm) = product { (gemm.alpha, gemm.beta) } else { (Float(1), Float(1)) }
    return ClosureKernel(context) { operands in
      let x = MultiplesOfStep(
        operands.input(geometry.isWeightLeft ? 1 : 0, as: Float.self), of: layer)
      let y = operands.output(as: Float.self)
      let offsets = bias.map { _ in operands.input(2, as: Float.self) }
      let counts = blocks.run(x) { sum, channel, position in
        let products = Float(sum - layer.bias(channel))
        let value = alpha * (products * (layer.inputScale * layer.scales[channel]))
        let added = offsets.map { beta * $0[channel * (bias?.step ?? 0)] } ?? 0
        y[position] = value + added
      }
      counter.add(counts)
    }
  }

  /// A constant that is added to each channel.
  private struct Bias {
    /// 0 for one number for all channels.
    let step: Int

    init?(_ context: KernelContext, channels: Int) throws(KernelError) {
      guard context.optional(2) != nil else { return nil }
      let bias = try context.floatInput(2)
      guard bias.type.count == 1 || (bias.type.count == channels && bias.shape.last == channels)
      else {
        throw .operator(
          .mismatch(
            what: "elements of the bias", expected: "1 or \(channels)",
            actual: "\(bias.type.count)"))
      }
      step = bias.type.count == 1 ? 0 : 1
    }
  }
}
