import GraphIR
import TensorCore

/// One operand of a dot product, as integers.
enum Operand {
  /// The operand is known from the file, an integer tensor or quantized.
  case constant(ConstantTensor)
  /// The operand is computed at run time.
  case runTime(IntegerGrid)

  /// - Throws: ``Obstacle`` where the operand is not known to be integers.
  init(
    _ context: NodeContext, index: Int, kind: DotProductOperator.OperandKind, isWeight: Bool,
    zeroPointAxis: Int?
  ) throws(Obstacle) {
    switch (kind, try context.fact(index)) {
    case (_, .real(let obstacle)): throw obstacle
    case (.quantized, .constant(let constant)):
      guard constant.codes != nil, constant.scale != nil else {
        throw .unquantizedWeight(value: constant.name)
      }
      self = .constant(constant)
    case (.quantized, .grid(let grid)): self = .runTime(grid)
    case (.quantized, .codes(let codes)):
      self = .runTime(IntegerGrid(scale: nil, zeroPoint: 0, codes: codes))
    case (.integers(let scale, let zeroPoint), .constant(let constant)):
      self = .constant(
        try Self.constant(context, constant, scale, zeroPoint, axis: zeroPointAxis))
    case (.integers(let scale, let zeroPoint), .codes(let codes)):
      self = .runTime(try Self.runTime(context, codes, scale, zeroPoint))
    case (.integers, .grid):
      throw .unquantizedInput(value: try context.name(index), origin: .graphInput)
    }
  }

  private static func constant(
    _ context: NodeContext, _ constant: ConstantTensor, _ scale: Int?, _ zeroPoint: Int,
    axis: Int?
  ) throws(Obstacle) -> ConstantTensor {
    guard constant.codes != nil, constant.scale == nil, constant.zeroPoint == nil else {
      throw .elementType(
        node: context.label, what: "the weight", actual: constant.tensor.elementType)
    }
    func follow<T>(_ values: [T], _ shape: [Int]) throws(Obstacle) -> Parameter<T> {
      let rank = constant.shape.count
      if values.count == 1 { return Parameter(values[0], rank: rank) }
      if let axis, shape.count == 1, axis < rank, constant.shape[axis] == values.count {
        return Parameter(values, axis: axis, rank: rank)
      }
      guard let parameter = Parameter(values, shape: shape, broadcastTo: constant.shape) else {
        throw .shape(
          node: context.label, what: "the weight's scale or zero point",
          expected: "a scalar or one value a channel", actual: "\(shape)")
      }
      return parameter
    }
    var scales: Parameter<Float>?
    if let scale, let tensor = try context.tensor(scale, "the scale") {
      scales = try follow(try context.scales(tensor), tensor.shape)
    }
    var zeroPoints: Parameter<Int>?
    if let tensor = try context.tensor(zeroPoint, "the zero point") {
      zeroPoints = try follow(
        try context.wholeNumbers(tensor, "the zero point"), tensor.shape)
    }
    return constant.dequantized(scale: scales, zeroPoint: zeroPoints)
  }

  private static func runTime(
    _ context: NodeContext, _ codes: CodeRange, _ scale: Int?, _ zeroPoint: Int
  ) throws(Obstacle) -> IntegerGrid {
    var step: Float?
    if let scale, let tensor = try context.tensor(scale, "the scale") {
      step = context.uniform(try context.scales(tensor))
      if step == nil { throw .inputScalePerChannel(node: context.label) }
    }
    guard context.has(zeroPoint) else {
      return IntegerGrid(scale: step, zeroPoint: 0, codes: codes)
    }
    guard case .constant = try context.fact(zeroPoint) else {
      // The zero point is computed: any of its codes may meet any code, whatever was done to either on the way.
      guard case .codes(let zeros) = try context.fact(zeroPoint) else {
        throw .runTimeParameter(node: context.label, parameter: "the zero point")
      }
      var grid = IntegerGrid(scale: step, zeroPoint: 0, codes: codes)
      (grid.minimum, grid.maximum) = (
        codes.minimum - zeros.maximum, codes.maximum - zeros.minimum
      )
      let width = codes.fullType.upperBound - codes.fullType.lowerBound
      grid.typeRange = -width...width
      grid.hasOneZeroPoint = false
      return grid
    }
    guard let tensor = try context.tensor(zeroPoint, "the zero point"),
      let value = context.uniform(try context.wholeNumbers(tensor, "the zero point"))
    else { throw .inputScalePerChannel(node: context.label) }
    return IntegerGrid(scale: step, zeroPoint: value, codes: codes)
  }
}
