import TensorCore

/// Operators that keep a value's integers and change the step that they count.
enum ScalingRules {
  /// Integers as floating-point numbers that hold them exactly, or back.
  static func cast(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let code = try context.int("to", default: 0)
    guard let target = ElementType(rawValue: Int32(clamping: code)) else {
      throw .attribute(node: context.label, name: "to")
    }
    switch try context.fact(0) {
    case .codes(let codes) where target == .float32 || target == .float64:
      return .grid(IntegerGrid(scale: 1, zeroPoint: 0, codes: codes))
    case .codes(let codes):
      guard let range = CodeRange(of: target), range.minimum <= codes.minimum,
        codes.maximum <= range.maximum
      else { throw unquantized(context) }
      return .codes(codes)
    case .grid(let grid) where target == .float32 || target == .float64:
      return .grid(grid)
    case .real(let obstacle): throw obstacle
    default: throw unquantized(context)
    }
  }

  /// The product with one constant number.
  static func multiply(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let (grid, factor) = try operands(context, constantMayBeFirst: true)
    return try rescaled(context, grid) { $0 * factor }
  }

  /// The quotient by one constant number.
  static func divide(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let (grid, divisor) = try operands(context, constantMayBeFirst: false)
    return try rescaled(context, grid) { $0 / divisor }
  }

  private static func operands(_ context: NodeContext, constantMayBeFirst: Bool)
    throws(Obstacle) -> (IntegerGrid, Float)
  {
    for (data, factor) in constantMayBeFirst ? [(0, 1), (1, 0)] : [(0, 1)] {
      guard case .constant(let constant) = try context.fact(factor) else { continue }
      switch try context.fact(data) {
      case .real(let obstacle): throw obstacle
      case .grid(let grid):
        guard let tensor = constant.plain, tensor.elementType.isFloatingPoint,
          let value = context.uniform(try context.scales(tensor))
        else { throw unquantized(context) }
        return (grid, value)
      default: continue
      }
    }
    throw unquantized(context)
  }

  private static func rescaled(
    _ context: NodeContext, _ grid: IntegerGrid, _ change: (Float) -> Float
  ) throws(Obstacle) -> ValueFact {
    guard let old = grid.scale else { throw unquantized(context) }
    var result = grid
    let scale = change(old)
    guard scale.isFinite, scale != 0 else { throw unquantized(context) }
    result.scale = scale
    return .grid(result)
  }

  private static func unquantized(_ context: NodeContext) -> Obstacle {
    let output = context.node.outputs.first.flatMap { $0 }.map { context.graph[$0].name }
    return .unquantizedInput(
      value: output ?? context.label,
      origin: .node(type: context.node.op.type, name: context.label))
  }
}
