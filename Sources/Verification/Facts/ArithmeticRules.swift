import TensorCore

/// Rules for sums, differences, products, quotients and signs.
///
/// Integer tensors wrap at the bounds of their type, so a result that may exceed them can be any value of the type.
/// Floats are followed where the integers stay the same and only their step changes.
enum ArithmeticRules {
  static func add(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try onIntegers(context) { $0 + $1 }
  }

  static func subtract(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try onIntegers(context) { $0 - $1 }
  }

  /// The product of integers, or of a grid and one constant number.
  static func multiply(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    if let (grid, factor) = try operands(context, constantMayBeFirst: true) {
      return try rescaled(context, grid) { $0 * factor }
    }
    return try onIntegers(context) { $0 * $1 }
  }

  /// The quotient of a grid and one constant number.
  static func divide(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard let (grid, divisor) = try operands(context, constantMayBeFirst: false) else {
      throw context.realOutput
    }
    return try rescaled(context, grid) { $0 / divisor }
  }

  /// The negated integers of an integer tensor; the same integers of a grid, whose step changes its sign.
  static func negate(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    switch try context.fact(0) {
    case .grid(let grid): return try rescaled(context, grid) { -$0 }
    case .codes(let codes):
      return .codes(codes.fitted(Int128(-codes.maximum), Int128(-codes.minimum)))
    case .constant:
      guard let integers = try ConstantFolding.combined(context, { a, _ in a })?.tensor,
        let values = integers.integers(),
        let tensor = ConstantFolding.tensor(
          values.map { -$0 }, integers.shape, integers.elementType)
      else { throw context.realOutput }
      return .constant(ConstantTensor(tensor, name: ConstantFolding.name(context)))
    case .real(let obstacle): throw obstacle
    }
  }

  // MARK: Integer tensors

  /// The range of an operation on two ranges. It is monotone or bilinear in the operands, so that its extremes lie at
  /// the corners.
  private static func onIntegers(
    _ context: NodeContext, _ operation: (Int128, Int128) -> Int128
  ) throws(Obstacle) -> ValueFact {
    // Operands have at most 32 bits each, so that 64 bits hold every result.
    if let folded = try ConstantFolding.combined(
      context, { Int(operation(Int128($0), Int128($1))) })
    {
      return .constant(folded)
    }
    guard let a = try range(context, 0), let b = try range(context, 1) else {
      throw context.realOutput
    }
    let corners = [
      operation(Int128(a.minimum), Int128(b.minimum)),
      operation(Int128(a.minimum), Int128(b.maximum)),
      operation(Int128(a.maximum), Int128(b.minimum)),
      operation(Int128(a.maximum), Int128(b.maximum)),
    ]
    return .codes(a.fitted(corners.min() ?? 0, corners.max() ?? 0))
  }

  /// The codes of an operand that is an integer tensor; `nil` for real numbers.
  private static func range(_ context: NodeContext, _ index: Int) throws(Obstacle) -> CodeRange? {
    switch try context.fact(index) {
    case .codes(let codes): return codes
    case .constant(let constant):
      guard constant.scale == nil, constant.quantizer == nil,
        var codes = CodeRange(of: constant.tensor.elementType),
        constant.tensor.count <= ConstantFolding.limit, let values = constant.tensor.integers(),
        let least = values.min(), let greatest = values.max()
      else { return nil }
      (codes.minimum, codes.maximum) = (least, greatest)
      return codes
    case .real(let obstacle): throw obstacle
    case .grid: return nil
    }
  }

  // MARK: Grids

  /// A grid and the constant by which it is multiplied or divided; `nil` for any other operands.
  private static func operands(_ context: NodeContext, constantMayBeFirst: Bool)
    throws(Obstacle) -> (IntegerGrid, Float)?
  {
    for (data, factor) in constantMayBeFirst ? [(0, 1), (1, 0)] : [(0, 1)] {
      guard case .constant(let constant) = try context.fact(factor) else { continue }
      switch try context.fact(data) {
      case .real(let obstacle): throw obstacle
      case .grid(let grid):
        guard let tensor = constant.plain, tensor.elementType.isFloatingPoint,
          let value = context.uniform(try context.scales(tensor))
        else { throw context.realOutput }
        return (grid, value)
      default: continue
      }
    }
    return nil
  }

  private static func rescaled(
    _ context: NodeContext, _ grid: IntegerGrid, _ change: (Float) -> Float
  ) throws(Obstacle) -> ValueFact {
    guard let old = grid.scale else { throw context.realOutput }
    var result = grid
    let scale = change(old)
    // Products with a subnormal step are rounded to other numbers than its multiples.
    guard scale.isNormal else { throw context.realOutput }
    result.scale = scale
    return .grid(result)
  }
}
