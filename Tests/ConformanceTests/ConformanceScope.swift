import GraphIR
import OnnxFormat
import TensorCore

/// What this package sets out to run: the standard operators below, on tensors of floats of 16 bits and more
/// (bfloat16 apart), integers of 8 bits and more, and booleans.
enum ConformanceScope {
  static let operators = Set(
    """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization
    BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil Celu
    CenterCropPad Clip Col2Im Compress Concat Constant ConstantOfShape Conv ConvInteger
    ConvTranspose Cos Cosh CumSum DFT DepthToSpace DequantizeLinear Det Div Dropout Einsum Elu Equal Erf
    Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool
    GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HammingWindow
    HannWindow HardSigmoid HardSwish Hardmax Identity If InstanceNormalization IsInf IsNaN LRN LSTM
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization LpPool MatMul
    MatMulInteger Max MaxPool MaxUnpool Mean MeanVarianceNormalization Min Mish Mod Mul Neg
    NonMaxSuppression NonZero Not OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear
    RMSNormalization RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
    ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence
    RoiAlign RotaryEmbedding Round STFT Scan ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh
    Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh
    ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor
    """.split(whereSeparator: \.isWhitespace).map(String.init))

  private static let types: Set<ElementType> = [
    .float32, .float64, .float16, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64,
    .bool,
  ]

  /// Why a model is out of scope; `nil` where it is in scope, or can't be read for another reason.
  static func exclusion(path: String) -> String? {
    let model: Model
    do {
      model = try OnnxReader.read(path: path, resolver: OpaqueResolver())
    } catch {
      switch error.problem {
      case .noStandardOpset: return "domain other than the standard one"
      case .opset(_, let version): return "opset \(version)"
      default: return nil
      }
    }
    let graph = model.graph
    for id in graph.nodeIDs {
      let op = graph[id].op
      guard OpsetImport.canonical(op.domain).isEmpty else { return "domain \(op.domain)" }
      guard operators.contains(op.type) else { return "operator \(op.type)" }
    }
    for id in graph.inputs + graph.outputs {
      guard graph[id].serializedType == nil, let type = graph[id].type else {
        return "sequence or optional"
      }
      guard types.contains(type.elementType) else { return "\(type.elementType.onnxName) tensors" }
    }
    return nil
  }
}
