import GraphIR

/// Every operator with a meaning to this package, sorted by domain and type.
///
/// Adding an operator: one file, one line here, one folder of fixtures.
public struct Catalogue: OperatorResolver {
  public static let operators: [any Operator.Type] = [
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
    Cast.self,
    CastLike.self,
    Ceil.self,
    Celu.self,
    Clip.self,
    Concat.self,
    Constant.self,
    Conv.self,
    ConvTranspose.self,
    Cos.self,
    Cosh.self,
    CumSum.self,
    DepthToSpace.self,
    DequantizeLinear.self,
    Div.self,
    Dropout.self,
    Einsum.self,
    Elu.self,
    Equal.self,
    Erf.self,
    Exp.self,
    Flatten.self,
    Floor.self,
    Gather.self,
    Gelu.self,
    Gemm.self,
    GlobalAveragePool.self,
    Greater.self,
    GreaterOrEqual.self,
    GroupNormalization.self,
    HardSigmoid.self,
    HardSwish.self,
    Hardmax.self,
    Identity.self,
    InstanceNormalization.self,
    IsInf.self,
    IsNaN.self,
    LRN.self,
    LayerNormalization.self,
    LeakyRelu.self,
    Less.self,
    LessOrEqual.self,
    Log.self,
    LogSoftmax.self,
    LpNormalization.self,
    MatMul.self,
    Max.self,
    MaxPool.self,
    Mean.self,
    MeanVarianceNormalization.self,
    Min.self,
    Mish.self,
    Mod.self,
    Mul.self,
    Neg.self,
    Not.self,
    OneHot.self,
    Or.self,
    PRelu.self,
    Pad.self,
    Pow.self,
    QuantizeLinear.self,
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
    Round.self,
    Selu.self,
    ShapeOf.self,
    Sigmoid.self,
    Sign.self,
    Sin.self,
    Sinh.self,
    Slice.self,
    Softmax.self,
    Softplus.self,
    Softsign.self,
    Sqrt.self,
    Squeeze.self,
    Sub.self,
    Sum.self,
    Tan.self,
    Tanh.self,
    ThresholdedRelu.self,
    TopK.self,
    Transpose.self,
    Unsqueeze.self,
    Where.self,
    Xor.self,
    MultiThreshold.self,
    Quant.self,
  ]

  /// An operator's name: domain and type.
  private struct Key: Hashable {
    var domain: String
    var type: String
  }

  private static let byKey: [Key: any Operator.Type] = Dictionary(
    uniqueKeysWithValues: operators.map {
      (Key(domain: $0.schema.domain, type: $0.schema.type), $0)
    })

  public init() {}

  /// The decoded operator; an ``OpaqueOperator`` where domain or type is not known, or the opset is older
  /// than the operator's implemented semantics.
  ///
  /// - Throws: ``OperatorError`` where the type is known and its attributes are wrong.
  public func makeOperator(domain: String, type: String, attributes: AttributeReader)
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
    guard let found = Self.byKey[Key(domain: domain, type: type)],
      attributes.opset >= found.schema.sinceVersion
    else {
      return OpaqueOperator(domain: domain, type: type, attributes: attributes.attributes)
    }
    return try found.init(attributes: attributes)
  }
}
