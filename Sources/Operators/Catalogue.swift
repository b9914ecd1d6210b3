import GraphIR

/// Every operator with a meaning to this package, sorted by domain and type.
///
/// Adding an operator: one file, one line here, one folder of fixtures.
public struct Catalogue: OperatorResolver {
  public static let operators: [any Operator.Type] = [
    Add.self,
    AveragePool.self,
    BatchNormalization.self,
    Cast.self,
    Clip.self,
    Concat.self,
    Constant.self,
    ConstantOfShape.self,
    Conv.self,
    ConvInteger.self,
    ConvTranspose.self,
    DepthToSpace.self,
    DequantizeLinear.self,
    Div.self,
    Dropout.self,
    DynamicQuantizeLinear.self,
    Expand.self,
    EyeLike.self,
    Flatten.self,
    Gather.self,
    GatherElements.self,
    GatherND.self,
    Gemm.self,
    GlobalAveragePool.self,
    GlobalMaxPool.self,
    GridSample.self,
    Identity.self,
    LeakyRelu.self,
    MatMul.self,
    MatMulInteger.self,
    MaxPool.self,
    Mul.self,
    Pad.self,
    Pow.self,
    QLinearConv.self,
    QLinearMatMul.self,
    QuantizeLinear.self,
    RangeOf.self,
    ReduceMean.self,
    Relu.self,
    Reshape.self,
    Resize.self,
    ScatterElements.self,
    ScatterND.self,
    ShapeOf.self,
    Sigmoid.self,
    SizeOf.self,
    Slice.self,
    Softmax.self,
    SpaceToDepth.self,
    Split.self,
    Sqrt.self,
    Squeeze.self,
    Sub.self,
    Tanh.self,
    Tile.self,
    Transpose.self,
    Trilu.self,
    Unsqueeze.self,
    Upsample.self,
    BipolarQuant.self,
    MultiThreshold.self,
    Quant.self,
    Trunc.self,
  ]

  /// Operators with subgraphs, which never run.
  static let controlFlow: [any ControlFlowOperator.Type] = [If.self, Loop.self, Scan.self]

  /// An operator's name: domain and type.
  private struct Key: Hashable {
    var domain: String
    var type: String
  }

  private static let byKey: [Key: any Operator.Type] = Dictionary(
    uniqueKeysWithValues: (operators + controlFlow).map {
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
    if domain.isEmpty, type == ScatterElements.formerType, (9..<11).contains(attributes.opset) {
      var scatter = try ScatterElements(attributes: attributes)
      scatter.isNamedScatter = true
      return scatter
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
