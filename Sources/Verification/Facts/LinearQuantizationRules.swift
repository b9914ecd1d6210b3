import TensorCore

/// `QuantizeLinear`, `DequantizeLinear` (ONNX opset 10 on) and the operators that end in the former.
enum LinearQuantizationRules {
  /// `y = saturate(roundHalfEven(x / scale) + zeroPoint)` in the type of the zero point, `uint8` without one.
  static func quantize(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let codes = try outputCodes(context, zeroPoint: 2)
    guard case .constant(let constant) = try context.fact(0) else { return .codes(codes) }
    guard constant.codes == nil else {
      throw .elementType(
        node: context.label, what: "the input", actual: constant.tensor.elementType)
    }
    let (scale, zeroPoint) = try parameters(context, quantizing: constant)
    let quantizer = ElementQuantizer(
      formula: .linear, scale: scale, zeroPoint: zeroPoint, lower: codes.minimum,
      upper: codes.maximum)
    return .constant(constant.quantized(by: quantizer, to: codes))
  }

  /// `y = (x - zeroPoint) * scale`.
  static func dequantize(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    switch try context.fact(0) {
    case .constant(let constant):
      guard constant.codes != nil, constant.scale == nil else {
        throw .elementType(
          node: context.label, what: "the input", actual: constant.tensor.elementType)
      }
      let (scale, zeroPoint) = try parameters(context, quantizing: constant)
      return .constant(constant.dequantized(scale: scale, zeroPoint: zeroPoint))
    case .codes(let codes):
      guard let scaleTensor = try context.tensor(1, "the scale") else {
        throw .missingInput(node: context.label, index: 1)
      }
      var zeroPoints = [0]
      if let tensor = try context.tensor(2, "the zero point") {
        zeroPoints = try context.wholeNumbers(tensor, "the zero point")
      }
      guard let scale = context.uniform(try context.scales(scaleTensor)),
        let zeroPoint = context.uniform(zeroPoints)
      else { throw .inputScalePerChannel(node: context.label) }
      return .grid(IntegerGrid(scale: scale, zeroPoint: zeroPoint, codes: codes))
    case .real(let obstacle): throw obstacle
    case .grid: throw .unquantizedInput(value: try context.name(0), origin: origin(context))
    }
  }

  /// Codes of eight unsigned bits whose scale and zero point are measured at run time.
  static func dynamicQuantize(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    .codes(CodeRange(bits: 8, signed: false))
  }

  /// The result of an operator that ends in a requantization: codes in the type of the output's zero point.
  ///
  /// - Parameter index: the node input that holds the output's zero point.
  static func requantized(zeroPoint index: Int) -> FactAnalysis.Rule {
    { context throws(Obstacle) in .codes(try outputCodes(context, zeroPoint: index)) }
  }

  private static func outputCodes(_ context: NodeContext, zeroPoint index: Int) throws(Obstacle)
    -> CodeRange
  {
    var type = ElementType.uint8
    if context.has(index) {
      var known = context.graph[try context.id(index)].type?.elementType
      if known == nil { known = try context.tensor(index, "the zero point")?.elementType }
      guard let known else {
        throw .runTimeParameter(node: context.label, parameter: "the zero point")
      }
      type = known
    } else if let code = try? context.attributes.int("output_dtype"), code != 0 {
      guard let known = ElementType(rawValue: Int32(clamping: code)) else {
        throw .attribute(node: context.label, name: "output_dtype")
      }
      type = known
    }
    guard let codes = CodeRange(of: type), codes.bits <= 16 else {
      throw .elementType(node: context.label, what: "the output", actual: type)
    }
    return codes
  }

  /// Scale and zero point as they follow the elements of a constant.
  private static func parameters(_ context: NodeContext, quantizing constant: ConstantTensor)
    throws(Obstacle) -> (Parameter<Float>, Parameter<Int>?)
  {
    guard let scaleTensor = try context.tensor(1, "the scale") else {
      throw .missingInput(node: context.label, index: 1)
    }
    if try context.int("block_size", default: 0) != 0 {
      throw .weightScaleWithinSum(value: constant.name)
    }
    let scale = try follow(context, try context.scales(scaleTensor), scaleTensor.shape, constant)
    guard let zeroTensor = try context.tensor(2, "the zero point") else { return (scale, nil) }
    let zeroPoints = try context.wholeNumbers(zeroTensor, "the zero point")
    return (scale, try follow(context, zeroPoints, zeroTensor.shape, constant))
  }

  /// One value for the whole tensor, or one for each index of `axis`.
  private static func follow<T>(
    _ context: NodeContext, _ values: [T], _ shape: [Int], _ constant: ConstantTensor
  ) throws(Obstacle) -> Parameter<T> {
    let rank = constant.shape.count
    if values.count == 1 { return Parameter(values[0], rank: rank) }
    guard
      let axis = Shape.normalizedAxis(try context.int("axis", default: 1), rank: rank),
      shape.count == 1, constant.shape[axis] == values.count
    else {
      throw .shape(
        node: context.label, what: "the scale's or zero point's shape",
        expected: "a scalar, or one value for each index of 'axis' in \(constant.shape)",
        actual: "\(shape)")
    }
    return Parameter(values, axis: axis, rank: rank)
  }

  private static func origin(_ context: NodeContext) -> Origin {
    guard let id = context.node.inputs.first ?? nil,
      let producer = context.graph.producer(of: id)
    else { return .graphInput }
    return .node(type: producer.op.type, name: producer.name)
  }
}
