import TensorCore

/// Rules for operators that keep a value's integers and change the type that holds them.
enum ScalingRules {
  /// `Cast`: integers become floating-point numbers that hold them exactly, or the reverse.
  static func cast(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let code = try context.int("to", default: 0)
    guard let target = ElementType(rawValue: Int32(clamping: code)) else {
      throw .attribute(node: context.label, name: "to")
    }
    switch try context.fact(0) {
    case .codes(let codes):
      if let limit = exactIntegers(target) {
        guard max(-codes.minimum, codes.maximum) <= limit else { throw context.realOutput }
        return .grid(IntegerGrid(scale: 1, zeroPoint: 0, codes: codes))
      }
      guard let range = CodeRange(of: target), range.minimum <= codes.minimum,
        codes.maximum <= range.maximum
      else { throw context.realOutput }
      // Arithmetic after the cast wraps at the bounds of the new type.
      return .codes(range.clamped(from: codes.minimum, to: codes.maximum))
    case .grid(let grid) where exactIntegers(target) != nil: return .grid(grid)
    case .grid: throw context.realOutput
    case .constant(let constant): return .constant(try cast(context, constant, to: target))
    case .real(let obstacle): throw obstacle
    }
  }

  private static func cast(
    _ context: NodeContext, _ constant: ConstantTensor, to target: ElementType
  ) throws(Obstacle) -> ConstantTensor {
    guard let tensor = constant.plain, tensor.count <= ConstantFolding.limit,
      tensor.elementType.isInteger, let values = tensor.integers()
    else { throw context.realOutput }
    if let limit = exactIntegers(target) {
      // The integers become real numbers with a step of 1.
      guard CodeRange(of: tensor.elementType) != nil,
        values.allSatisfy({ Int($0.magnitude) <= limit })
      else { throw context.realOutput }
      return constant.dequantized(
        scale: Parameter(1, rank: tensor.rank), zeroPoint: nil)
    }
    guard tensor.elementType != .uint64,
      let result = ConstantFolding.tensor(values, tensor.shape, target)
    else { throw context.realOutput }
    return ConstantTensor(result, name: ConstantFolding.name(context))
  }

  /// The magnitude up to which a floating-point type holds every integer; `nil` for other types.
  private static func exactIntegers(_ type: ElementType) -> Int? {
    switch type {
    case .float32: 1 << 24
    case .float64: 1 << 53
    default: nil
    }
  }
}
