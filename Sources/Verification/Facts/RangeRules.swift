import TensorCore

/// Operators whose outputs are elements of their inputs, with or without a limit.
enum RangeRules {
  /// Output elements are elements of the first input.
  static func same(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try runTime(context, 0)
  }

  /// Patches of the first input, with real zeros at the borders.
  static func withZeroPadding(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    .grid(try context.grid(0).includingZero)
  }

  /// `max(x, 0)`; zero is on the grid since the zero point is subtracted.
  static func relu(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    switch try runTime(context, 0) {
    case .grid(var grid):
      grid.minimum = max(grid.minimum, 0)
      grid.maximum = max(grid.maximum, 0)
      return .grid(grid)
    case .codes(var codes):
      codes.minimum = max(codes.minimum, 0)
      codes.maximum = max(codes.maximum, 0)
      return .codes(codes)
    case let other: return other
    }
  }

  /// `min(max(x, low), high)`; a limit that is no step of the grid makes the result real.
  static func clip(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    switch try context.fact(0) {
    case .codes(let codes):
      return .codes(try clipped(context, codes))
    case .constant(let constant):
      guard let codes = constant.codes, constant.scale == nil else {
        throw .unquantizedWeight(value: constant.name)
      }
      return .constant(constant.clipped(to: try clipped(context, codes)))
    case .grid(var grid):
      let step = grid.scale ?? 1
      let low = try limit(context, 1, "min").map { $0 / step }
      let high = try limit(context, 2, "max").map { $0 / step }
      guard step > 0 else { throw unquantized(context) }
      if let low, low > Float(grid.minimum) {
        guard low.rounded() == low, low <= Float(grid.maximum) else { throw unquantized(context) }
        grid.minimum = Int(low)
      }
      if let high, high < Float(grid.maximum) {
        guard high.rounded() == high, high >= Float(grid.minimum) else {
          throw unquantized(context)
        }
        grid.maximum = Int(high)
      }
      return .grid(grid)
    case .real(let obstacle): throw obstacle
    }
  }

  /// Border elements: a constant in the mode of that name, otherwise elements of the input.
  static func pad(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let fact = try runTime(context, 0)
    guard try context.string("mode", default: "constant") == "constant" else { return fact }
    var border = try context.float("value") ?? 0
    if let tensor = try context.tensor(2, "the border's value") {
      guard let value = tensor.convertedToFloat()?.elements(of: Float.self).first else {
        throw .elementType(
          node: context.label, what: "the border's value", actual: tensor.elementType)
      }
      border = value
    }
    switch fact {
    case .grid(var grid):
      let steps = border / (grid.scale ?? 1)
      guard steps.rounded() == steps, steps.magnitude < 0x1p31 else { throw unquantized(context) }
      grid.minimum = min(grid.minimum, Int(steps))
      grid.maximum = max(grid.maximum, Int(steps))
      return .grid(grid)
    case .codes(var codes):
      guard border.rounded() == border, border.magnitude < 0x1p31 else {
        throw unquantized(context)
      }
      codes.minimum = min(codes.minimum, Int(border))
      codes.maximum = max(codes.maximum, Int(border))
      return .codes(codes)
    case let other: return other
    }
  }

  /// Elements of the input where the interpolation picks the nearest one.
  static func resize(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let mode = try context.string("mode", default: "nearest")
    let coordinates = try context.string("coordinate_transformation_mode", default: "")
    // Cropping may reach beyond the input, where another value stands in.
    guard mode == "nearest", coordinates != "tf_crop_and_resize" else {
      throw unquantized(context)
    }
    return try runTime(context, 0)
  }

  /// Elements of all inputs.
  static func concat(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try union(context, inputs: context.node.inputs.indices)
  }

  static func union(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try union(context, inputs: context.node.inputs.indices)
  }

  /// Elements of the second or the third input.
  static func whereSelected(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try union(context, inputs: 1..<3)
  }

  private static func union(_ context: NodeContext, inputs: Range<Int>) throws(Obstacle)
    -> ValueFact
  {
    guard let first = inputs.first else { throw .missingInput(node: context.label, index: 0) }
    var result = try runTime(context, first)
    for index in inputs.dropFirst() {
      switch (result, try runTime(context, index)) {
      case (.grid(let a), .grid(let b)):
        guard let both = a.union(b) else { throw unquantized(context) }
        result = .grid(both)
      case (.codes(var a), .codes(let b)):
        a.minimum = min(a.minimum, b.minimum)
        a.maximum = max(a.maximum, b.maximum)
        a.bits = max(a.bits, b.bits)
        a.signed = a.signed || b.signed
        result = .codes(a)
      default: throw unquantized(context)
      }
    }
    return result
  }

  /// The fact of an input that must be computed at run time.
  private static func runTime(_ context: NodeContext, _ index: Int) throws(Obstacle) -> ValueFact {
    switch try context.fact(index) {
    case .real(let obstacle): throw obstacle
    case .constant: throw unquantized(context)
    case let fact: return fact
    }
  }

  private static func clipped(_ context: NodeContext, _ codes: CodeRange) throws(Obstacle)
    -> CodeRange
  {
    let low = (try limit(context, 1, "min") ?? -0x1p32).rounded(.up)
    let high = (try limit(context, 2, "max") ?? 0x1p32).rounded(.down)
    guard low <= high, low.magnitude <= 0x1p32, high.magnitude <= 0x1p32,
      let result = codes.clipped(to: Int(low)...Int(high))
    else { throw unquantized(context) }
    return result
  }

  /// A limit of `Clip`: an attribute up to opset 10, then an input.
  private static func limit(_ context: NodeContext, _ index: Int, _ attribute: String)
    throws(Obstacle) -> Float?
  {
    if let value = try context.float(attribute) { return value.isNaN ? nil : value }
    guard let tensor = try context.tensor(index, attribute) else { return nil }
    guard let value = tensor.convertedToFloat()?.elements(of: Float.self).first, !value.isNaN
    else {
      throw .elementType(node: context.label, what: attribute, actual: tensor.elementType)
    }
    return value
  }

  private static func unquantized(_ context: NodeContext) -> Obstacle {
    let output = context.node.outputs.first.flatMap { $0 }.map { context.graph[$0].name }
    return .unquantizedInput(
      value: output ?? context.label,
      origin: .node(type: context.node.op.type, name: context.label))
  }
}
