import Execution
import GraphIR
import Operators
import TensorCore

/// A dot-product layer of 8-bit integer tensors whose sums run in a register of limited width.
///
/// Made for inference, never read from a file. Inputs, output and everything but the sums are those of the operator in
/// whose place it stands, so that it computes the same bits where nothing overflows. A bias that the layer holds as
/// integers is in the register, and taken off the sum again, since the operator, or an Add behind it, adds it.
struct NarrowIntegerAccumulation: ExecutableOperator {
  /// The operator in whose place it stands.
  enum Product: Sendable, Hashable {
    case convInteger(ConvInteger)
    case matMulInteger(MatMulInteger)
    case qLinearConv(QLinearConv)
    case qLinearMatMul(QLinearMatMul)

    var op: any IntegerProductOperator {
      switch self {
      case .convInteger(let op): op
      case .matMulInteger(let op): op
      case .qLinearConv(let op): op
      case .qLinearMatMul(let op): op
      }
    }

    /// The operator that multiplies the same elements of float tensors.
    var geometry: NarrowAccumulation.Product {
      switch self {
      case .convInteger(let op): .conv(op.layer)
      case .qLinearConv(let op): .conv(op.layer)
      case .matMulInteger, .qLinearMatMul: .matMul(MatMul())
      }
    }
  }

  static let schema = OperatorSchema(
    domain: "snug.inference", "NarrowIntegerAccumulation", inputs: 2...9)

  let product: Product
  let layer: IntegerLayer
  let accumulator: NarrowAccumulator
  let counter: OverflowCounter

  /// The file's operator, which errors name.
  var type: String { product.op.type }

  /// `nil` for an operator whose operands aren't integer tensors.
  ///
  /// - Parameter layer: what it says of scales and of the input doesn't matter; the operator's own operands tell.
  init?(
    _ op: any Operator, layer: IntegerLayer, accumulator: NarrowAccumulator,
    counter: OverflowCounter
  ) {
    switch op {
    case let op as ConvInteger: product = .convInteger(op)
    case let op as MatMulInteger: product = .matMulInteger(op)
    case let op as QLinearConv: product = .qLinearConv(op)
    case let op as QLinearMatMul: product = .qLinearMatMul(op)
    default: return nil
    }
    var layer = layer
    // Any 8-bit code less any other, so that sums have room whatever the zero point is at run time.
    layer.inputRange = -255...255
    self.layer = layer
    self.accumulator = accumulator
    self.counter = counter
  }

  func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try product.op.infer(inputs)
  }
}

extension NarrowIntegerAccumulation {
  func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.checkOutputs()
    let op = product.op
    let geometry = try ProductGeometry(
      product.geometry, left: try context.input(0), right: try context.input(op.rightOperand),
      output: try context.output().shape, channels: layer.scales.count)
    let blocks = try AccumulatorBlocks(layer, accumulator, geometry)
    return try op.makeKernel(context, sums: NarrowSums(blocks: blocks, counter: counter))
  }
}

/// Sums as registers of limited width hold them, without the bias that they start from.
private struct NarrowSums: IntegerSums {
  let blocks: AccumulatorBlocks
  let counter: OverflowCounter

  func run(
    _ left: UnsafePointer<Int16>, _ right: UnsafePointer<Int16>,
    to sums: UnsafeMutablePointer<Int32>
  ) {
    let x = CentredCodes(blocks.geometry.isWeightLeft ? right : left)
    let counts = blocks.run(x) { sum, channel, position in
      // What 32 bits can't hold wraps around, as the operators' type has it.
      sums[position] = Int32(truncatingIfNeeded: sum - blocks.layer.bias(channel))
    }
    counter.add(counts)
  }
}
