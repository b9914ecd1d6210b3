import Execution
import GraphIR

/// Every operator with a meaning to this package, sorted by domain and type.
///
/// Adding an operator: one file, one line here, one folder of fixtures.
package struct Catalogue: OperatorResolver {
  package static let operators: [any SerializableOperator.Type] = [
    Abs.self,
    Acos.self,
    Acosh.self,
    Add.self,
    And.self,
    ArgMax.self,
    ArgMin.self,
    Asin.self,
    Asinh.self,
    Atan.self,
    Atanh.self,
    AveragePool.self,
    BatchNormalization.self,
    BitShift.self,
    BitwiseAnd.self,
    BitwiseNot.self,
    BitwiseOr.self,
    BitwiseXor.self,
    BlackmanWindow.self,
    Cast.self,
    CastLike.self,
    Ceil.self,
    Celu.self,
    CenterCropPad.self,
    Clip.self,
    Col2Im.self,
    Compress.self,
    Concat.self,
    Constant.self,
    ConstantOfShape.self,
    Conv.self,
    ConvInteger.self,
    ConvTranspose.self,
    Cos.self,
    Cosh.self,
    CumSum.self,
    DFT.self,
    DepthToSpace.self,
    DequantizeLinear.self,
    Det.self,
    Div.self,
    Dropout.self,
    DynamicQuantizeLinear.self,
    Einsum.self,
    Elu.self,
    Equal.self,
    Erf.self,
    Exp.self,
    Expand.self,
    EyeLike.self,
    Flatten.self,
    Floor.self,
    GRU.self,
    Gather.self,
    GatherElements.self,
    GatherND.self,
    Gelu.self,
    Gemm.self,
    GlobalAveragePool.self,
    GlobalLpPool.self,
    GlobalMaxPool.self,
    Greater.self,
    GreaterOrEqual.self,
    GridSample.self,
    GroupNormalization.self,
    HammingWindow.self,
    HannWindow.self,
    HardSigmoid.self,
    HardSwish.self,
    Hardmax.self,
    Identity.self,
    InstanceNormalization.self,
    IsInf.self,
    IsNaN.self,
    LRN.self,
    LSTM.self,
    LayerNormalization.self,
    LeakyRelu.self,
    Less.self,
    LessOrEqual.self,
    Log.self,
    LogSoftmax.self,
    LpNormalization.self,
    LpPool.self,
    MatMul.self,
    MatMulInteger.self,
    Max.self,
    MaxPool.self,
    MaxUnpool.self,
    Mean.self,
    MeanVarianceNormalization.self,
    Min.self,
    Mish.self,
    Mod.self,
    Mul.self,
    Neg.self,
    NonMaxSuppression.self,
    NonZero.self,
    Not.self,
    OneHot.self,
    Or.self,
    PRelu.self,
    Pad.self,
    Pow.self,
    QLinearConv.self,
    QLinearMatMul.self,
    QuantizeLinear.self,
    RMSNormalization.self,
    RNN.self,
    RangeOf.self,
    Reciprocal.self,
    ReduceL1.self,
    ReduceL2.self,
    ReduceLogSum.self,
    ReduceLogSumExp.self,
    ReduceMax.self,
    ReduceMean.self,
    ReduceMin.self,
    ReduceProd.self,
    ReduceSum.self,
    ReduceSumSquare.self,
    Relu.self,
    Reshape.self,
    Resize.self,
    ReverseSequence.self,
    RoiAlign.self,
    RotaryEmbedding.self,
    Round.self,
    STFT.self,
    ScatterElements.self,
    ScatterND.self,
    Selu.self,
    ShapeOf.self,
    Shrink.self,
    Sigmoid.self,
    Sign.self,
    Sin.self,
    Sinh.self,
    SizeOf.self,
    Slice.self,
    Softmax.self,
    Softplus.self,
    Softsign.self,
    SpaceToDepth.self,
    Split.self,
    Sqrt.self,
    Squeeze.self,
    Sub.self,
    Sum.self,
    Swish.self,
    Tan.self,
    Tanh.self,
    ThresholdedRelu.self,
    Tile.self,
    TopK.self,
    Transpose.self,
    Trilu.self,
    Unique.self,
    Unsqueeze.self,
    Upsample.self,
    Where.self,
    Xor.self,
    DynamicQuantizeLSTM.self,
    BipolarQuant.self,
    MultiThreshold.self,
    Quant.self,
    Trunc.self,
  ]

  /// Operators with subgraphs, which never run.
  static let controlFlow: [any (SerializableOperator & ControlFlowOperator).Type] = [
    If.self, Loop.self, Scan.self,
  ]

  /// An operator's name: domain and type.
  private struct Key: Hashable {
    var domain: String
    var type: String
  }

  private static let byKey: [Key: any SerializableOperator.Type] = Dictionary(
    uniqueKeysWithValues: (operators + controlFlow).map {
      (Key(domain: $0.schema.domain, type: $0.schema.type), $0)
    })

  package init() {}

  /// The decoded operator; an ``OpaqueOperator`` where domain or type is not known, or the opset is older
  /// than the operator's implemented semantics.
  ///
  /// - Throws: ``OperatorError`` where the type is known and its attributes are wrong.
  package func makeOperator(domain: String, type: String, attributes: AttributeReader)
    throws(OperatorError) -> any Operator
  {
    let domain = OpsetImport.canonical(domain)
    if let spelling = Quant.Spelling.allCases.first(where: {
      $0.domain == domain && $0.type == type
    }) {
      var quant = try Quant(attributes: attributes)
      quant.spelling = spelling
      return quant
    }
    if domain.isEmpty, type == ScatterElements.formerType, (9..<11).contains(attributes.opset) {
      var scatter = try ScatterElements(attributes: attributes)
      scatter.isNamedScatter = true
      return scatter
    }
    if domain == MicrosoftDomain.name {
      let named = Self.byKey[Key(domain: "", type: type)]
      if let found = named as? any (SerializableOperator & MicrosoftOperator).Type {
        var op = try found.init(attributes: attributes)
        op.domain = domain
        return op
      }
    }
    let canonical = QonnxDomain.all.contains(domain) ? QonnxDomain.current : domain
    guard let found = Self.byKey[Key(domain: canonical, type: type)],
      attributes.opset >= found.schema.sinceVersion
    else {
      return OpaqueOperator(domain: domain, type: type, attributes: attributes.attributes)
    }
    let op = try found.init(attributes: attributes)
    guard var spelled = op as? any QonnxOperator else { return op }
    spelled.domain = domain
    return spelled
  }
}
