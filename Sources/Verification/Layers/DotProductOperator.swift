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

  /// What a node of the graph is to this analysis.
  enum Recognition {
    case dotProduct(DotProductOperator)
    /// It adds products, or may hold nodes that do, and no rule says how.
    case opaque(Obstacle)
    case other
  }

  /// - Parameter hasFunctions: whether the model defines operators of its own.
  static func recognize(_ op: any Operator, hasFunctions: Bool) -> Recognition {
    let domain = OpsetImport.canonical(op.domain)
    if let known = DotProductOperator(rawValue: op.type), known.domains.contains(domain) {
      return .dotProduct(known)
    }
    let holdsGraph = op.attributes().contains {
      if case .serialized = $0.value { true } else { false }
    }
    if holdsGraph { return .opaque(.hiddenNodes(type: op.type)) }
    if otherSums.contains(op.type) || Self(rawValue: op.type) != nil {
      return .opaque(.unanalysedOperator(domain: domain, type: op.type))
    }
    if hasFunctions, !knownDomains.contains(domain) {
      return .opaque(.hiddenNodes(type: "\(domain).\(op.type)"))
    }
    return .other
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

  /// Operators that sum products in ways that are not analysed, in any domain.
  private static let otherSums: Set = [
    "Attention", "BiasGelu", "DeformConv", "DFT", "DynamicQuantizeLSTM",
    "DynamicQuantizeMatMul", "Einsum", "FusedConv", "FusedGemm", "FusedMatMul", "GRU",
    "GroupQueryAttention", "LSTM", "LinearAttention", "MatMulBnb4", "MatMulFpQ4",
    "MatMulInteger16", "MatMulIntegerToFloat", "MatMulNBits", "MoE", "MultiHeadAttention",
    "MVAU", "MatrixVectorActivation", "MatrixVectorActivation_hls", "NhwcConv",
    "QAttention", "QMoE", "QOrderedMatMul", "QuantAvgPool2d", "RNN", "SparseMatMul",
    "StreamingFCLayer_Batch", "VVAU", "Vector_Vector_Activate_Batch", "VectorVectorActivation",
    "XnorPopcountMatMul",
  ]

  private static let knownDomains: Set = [
    "", "ai.onnx.ml", "qonnx.custom_op.general", "qonnx.custom_op.channels_last", "onnx.brevitas",
    "finn.custom_op.general",
  ]
}
