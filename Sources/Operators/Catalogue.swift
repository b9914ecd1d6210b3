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
    Conv.self,
    ConvTranspose.self,
    DepthToSpace.self,
    DequantizeLinear.self,
    Div.self,
    Dropout.self,
    Flatten.self,
    Gather.self,
    Gemm.self,
    GlobalAveragePool.self,
    Identity.self,
    LeakyRelu.self,
    MatMul.self,
    MaxPool.self,
    Mul.self,
    Pad.self,
    Pow.self,
    QuantizeLinear.self,
    ReduceMean.self,
    Relu.self,
    Reshape.self,
    ShapeOf.self,
    Sigmoid.self,
    Slice.self,
    Softmax.self,
    Sqrt.self,
    Squeeze.self,
    Sub.self,
    Tanh.self,
    Transpose.self,
    Unsqueeze.self,
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
