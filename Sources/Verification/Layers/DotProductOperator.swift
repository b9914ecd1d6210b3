import GraphIR

/// The operators whose outputs are sums of products, with the positions of their operands.
enum DotProductOperator: String, Sendable {
  case conv = "Conv"
  case convTranspose = "ConvTranspose"
  case gemm = "Gemm"
  case matMul = "MatMul"
  case convInteger = "ConvInteger"
  case matMulInteger = "MatMulInteger"
  case qLinearConv = "QLinearConv"
  case qLinearMatMul = "QLinearMatMul"
  /// The operator of onnxruntime's domain `com.microsoft`.
  case qGemm = "QGemm"

  /// How the integers of an operand are found.
  enum OperandKind {
    /// The operand is real numbers after a quantizer.
    case quantized
    /// The operand is an integer tensor, whose scale and zero point are node inputs at these positions.
    case integers(scale: Int?, zeroPoint: Int)
  }

  /// The dot product that an operator computes; `nil` for any other operator.
  init?(_ op: any Operator) {
    guard let known = Self(rawValue: op.type),
      known.domains.contains(OpsetImport.canonical(op.domain))
    else { return nil }
    self = known
  }

  /// The domains of the operator. The weight of a channels-last convolution has shape (O, kernel..., I/groups) for O
  /// output and I input channels, so that the same axes as in the standard domain number its channels and its
  /// products.
  private var domains: [String] {
    switch self {
    case .qGemm: ["com.microsoft"]
    case .conv: ["", "qonnx.custom_op.channels_last"]
    default: [""]
    }
  }

  var left: OperandKind {
    switch self {
    case .conv, .convTranspose, .gemm, .matMul: .quantized
    case .convInteger, .matMulInteger: .integers(scale: nil, zeroPoint: 2)
    case .qLinearConv, .qLinearMatMul, .qGemm: .integers(scale: 1, zeroPoint: 2)
    }
  }

  var right: OperandKind {
    switch self {
    case .conv, .convTranspose, .gemm, .matMul: .quantized
    case .convInteger, .matMulInteger: .integers(scale: nil, zeroPoint: 3)
    case .qLinearConv, .qLinearMatMul, .qGemm: .integers(scale: 4, zeroPoint: 5)
    }
  }

  /// The node input that holds the right operand; the left one is always input 0.
  var rightIndex: Int {
    switch self {
    case .qLinearConv, .qLinearMatMul, .qGemm: 3
    default: 1
    }
  }

  var isConvolution: Bool {
    switch self {
    case .conv, .convTranspose, .convInteger, .qLinearConv: true
    default: false
    }
  }

  /// Whether some output elements may lack products, since taps lie in padding or a stride skips them.
  func mayMissTaps(_ context: NodeContext) -> Bool {
    guard isConvolution else { return false }
    guard self != .convTranspose,
      ["NOTSET", "VALID"].contains(try? context.string("auto_pad", default: "NOTSET")),
      let pads = try? context.ints("pads") ?? []
    else { return true }
    return pads.contains { $0 != 0 }
  }

  /// Whether the result is a tensor of integers, to which other integers are added as they are.
  var sumsIntegers: Bool { self == .convInteger || self == .matMulInteger }
}
