import TensorCore

/// Rules for `QuantizeLinear` and `DequantizeLinear` (ONNX opset 10 on).
enum LinearQuantizationRules {
  /// `y = saturate(roundHalfEven(x / scale) + zeroPoint)` in the type of the zero point, `uint8` without one.
  static func quantize(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let codes = try outputCodes(context)
    guard case .constant(let constant) = try context.fact(0) else { return .codes(codes) }
    guard constant.codes == nil else {
      throw .elementType(
        node: context.label, what: "the input", actual: constant.tensor.elementType)
    }
    try requireSinglePrecision(context)
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

  /// The element type of the output of `QuantizeLinear`: that of the zero point, or the one that an attribute names,
  /// or `uint8`; `nil` where zero point and attribute contradict each other.
  static func quantizedType(_ context: NodeContext) -> ElementType? {
    var stated: ElementType?
    if context.attributes["output_dtype"] != nil {
      guard let code = try? context.int("output_dtype", default: 0) else { return nil }
      if code != 0 {
        guard let type = ElementType(rawValue: Int32(clamping: code)) else { return nil }
        stated = type
      }
    }
    guard context.has(2) else { return stated ?? .uint8 }
    let type = context.elementType(2)
    return stated == nil || stated == type ? type : nil
  }

  private static func outputCodes(_ context: NodeContext) throws(Obstacle) -> CodeRange {
    guard let type = quantizedType(context) else {
      throw .runTimeParameter(node: context.label, parameter: "the zero point's type")
    }
    guard let codes = CodeRange(of: type), codes.bits <= 16 else {
      throw .elementType(node: context.label, what: "the output", actual: type)
    }
    return codes
  }

  /// Refuses constants whose codes result from arithmetic in another precision than single.
  private static func requireSinglePrecision(_ context: NodeContext) throws(Obstacle) {
    if try context.int("precision", default: 0) != 0 {
      throw .unknownForm(type: context.node.op.type, what: "an attribute 'precision'")
    }
    for index in 0..<2 {
      if let type = context.elementType(index), type != .float32 {
        throw .elementType(
          node: context.label, what: index == 0 ? "the input" : "the scale", actual: type)
      }
    }
  }

  /// The scale and the zero point for each element of a constant.
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
