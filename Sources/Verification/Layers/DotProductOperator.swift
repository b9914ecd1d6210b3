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
  /// Of onnxruntime's domain `com.microsoft`.
  case qGemm = "QGemm"

  /// How an operand's integers are found.
  enum OperandKind {
    /// Real numbers behind a quantizer.
    case quantized
    /// An integer tensor, with the node inputs that hold its scale and zero point.
    case integers(scale: Int?, zeroPoint: Int)
  }

  /// The dot product that a node is, `nil` for any other operator.
  init?(_ op: any Operator) {
    guard let known = Self(rawValue: op.type),
      known.domains.contains(OpsetImport.canonical(op.domain))
    else { return nil }
    self = known
  }

  /// A channels-last convolution has its weight as (O, kernel..., I/groups), so that the same axes number its
  /// channels and its products.
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

  /// Whether some output elements may lack products, where taps lie in padding or a stride leaves them out.
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
