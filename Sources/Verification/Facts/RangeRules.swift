import TensorCore

/// Rules for operators whose outputs are elements of their inputs, with or without a limit.
///
/// On a grid with a negative step, integers and values run in opposite directions: a lower limit of the values is an
/// upper limit of the integers.
enum RangeRules {
  /// Output elements are elements of the first input.
  static func same(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try runTime(context, 0)
  }

  /// Output elements are elements of the first input, or zero.
  static func withZeroCode(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try including(0, context, try runTime(context, 0))
  }

  /// The greatest or least of a set of elements, which must not be empty: a dimension of 0 would give infinity.
  static func reduced(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    if context.shape(0)?.contains(0) ?? false { throw context.realOutput }
    return try runTime(context, 0)
  }

  /// `max(x, 0)`; zero is on the grid since the zero point is subtracted.
  static func relu(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    switch try context.fact(0) {
    case .grid(var grid):
      try grid.limit(from: 0, to: nil, context)
      return .grid(grid)
    case .codes(let codes): return .codes(codes.clamped(from: 0, to: nil))
    case .constant(let constant): return .constant(try fold(context, constant, from: 0, to: nil))
    case .real(let obstacle): throw obstacle
    }
  }

  /// `min(max(x, low), high)`; a limit that is not a step of the grid makes the result real.
  static func clip(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let low = try limit(context, 1, "min")
    let high = try limit(context, 2, "max")
    // Runtimes differ in what they give where the limits cross.
    if let low, let high, low > high { throw context.realOutput }
    switch try context.fact(0) {
    case .codes(let codes):
      return .codes(
        codes.clamped(
          from: try wholeLimit(low, context), to: try wholeLimit(high, context)))
    case .constant(let constant):
      return .constant(
        try fold(
          context, constant, from: try wholeLimit(low, context),
          to: try wholeLimit(high, context)))
    case .grid(var grid):
      try grid.limit(from: low, to: high, context)
      return .grid(grid)
    case .real(let obstacle): throw obstacle
    }
  }

  /// The elements of the input, and in the border a constant, in the mode of that name, or further elements of the
  /// input.
  static func pad(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let fact = try runTime(context, 0)
    guard try context.string("mode", default: "constant") == "constant" else { return fact }
    var border = Double(try context.float("value") ?? 0)
    if let tensor = try context.tensor(2, "the border's value") {
      border = try number(context, tensor, "the border's value")
    }
    return try including(border, context, fact)
  }

  /// Patches of the first input, with elements of one value at the borders.
  static func imageToColumns(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let border = try context.attributes["pad_value"].map { value throws(Obstacle) in
      switch value {
      case .int(let value): return Double(value)
      case .float(let value): return Double(value)
      default: throw .attribute(node: context.label, name: "pad_value")
      }
    }
    return try including(border ?? 0, context, try runTime(context, 0))
  }

  /// Elements of the input where the interpolation picks the nearest one.
  static func resize(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    let mode = try context.string("mode", default: "nearest")
    let coordinates = try context.string("coordinate_transformation_mode", default: "")
    // Cropping may reach beyond the input, where another value is taken.
    guard mode == "nearest", coordinates != "tf_crop_and_resize" else { throw context.realOutput }
    return try runTime(context, 0)
  }

  // MARK: Elements of several inputs

  static func concat(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try union(context, inputs: context.node.inputs.indices)
  }

  /// Elements of one of the inputs; which one, and in which direction, doesn't matter to a union.
  static func maximum(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try extremum(context) { max($0, $1) }
  }

  static func minimum(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try extremum(context) { min($0, $1) }
  }

  /// Elements of the second or the third input.
  static func whereSelected(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try union(context, inputs: 1..<3)
  }

  /// Elements of the first input, some of them replaced by those of the third.
  static func scattered(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard try context.string("reduction", default: "none") == "none" else {
      throw context.realOutput
    }
    return try union(context, inputs: [0, 2])
  }

  private static func union(_ context: NodeContext, inputs: some Collection<Int>)
    throws(Obstacle) -> ValueFact
  {
    guard let first = inputs.first else { throw .missingInput(node: context.label, index: 0) }
    var result = try runTime(context, first)
    for index in inputs.dropFirst() {
      switch (result, try runTime(context, index)) {
      case (.grid(let a), .grid(let b)):
        guard let both = a.union(b) else { throw context.realOutput }
        result = .grid(both)
      case (.codes(let a), .codes(let b)): result = .codes(a.union(b))
      default: throw context.realOutput
      }
    }
    return result
  }

  private static func extremum(_ context: NodeContext, _ pick: @escaping (Int, Int) -> Int)
    throws(Obstacle) -> ValueFact
  {
    if context.node.inputs.count == 1 { return try context.fact(0) }
    if let folded = try ConstantFolding.combined(context, { pick($0, $1) }) {
      return .constant(folded)
    }
    return try union(context, inputs: context.node.inputs.indices)
  }

  // MARK: Help

  /// The fact about an input that must be computed at run time.
  private static func runTime(_ context: NodeContext, _ index: Int) throws(Obstacle) -> ValueFact {
    switch try context.fact(index) {
    case .real(let obstacle): throw obstacle
    case .constant: throw context.realOutput
    case let fact: return fact
    }
  }

  private static func fold(
    _ context: NodeContext, _ constant: ConstantTensor, from low: Int?, to high: Int?
  ) throws(Obstacle) -> ConstantTensor {
    guard let folded = constant.clamped(from: low, to: high) else {
      throw .unquantizedWeight(value: constant.name)
    }
    return folded
  }

  /// A fact with one more number among its values.
  private static func including(
    _ number: Double, _ context: NodeContext, _ fact: ValueFact
  ) throws(Obstacle) -> ValueFact {
    switch fact {
    case .grid(var grid):
      guard let steps = grid.steps(number) else { throw context.realOutput }
      grid.minimum = min(grid.minimum, steps)
      grid.maximum = max(grid.maximum, steps)
      return .grid(grid)
    case .codes(let codes):
      let value = try whole(number, context)
      guard codes.fullType.contains(value) else { throw context.realOutput }
      return .codes(codes.including(value))
    case let other: return other
    }
  }

  private static func wholeLimit(_ number: Double?, _ context: NodeContext) throws(Obstacle)
    -> Int?
  {
    guard let number else { return nil }
    return try whole(number, context)
  }

  private static func whole(_ number: Double, _ context: NodeContext) throws(Obstacle) -> Int {
    guard number.rounded() == number, number.magnitude <= 0x1p40 else { throw context.realOutput }
    return Int(number)
  }

  /// A limit of `Clip`, which is an attribute up to opset 10 and an input from 11 on; `nil` where there is none.
  private static func limit(_ context: NodeContext, _ index: Int, _ attribute: String)
    throws(Obstacle) -> Double?
  {
    if let value = try context.float(attribute) {
      guard !value.isNaN else { throw .attribute(node: context.label, name: attribute) }
      return value.isInfinite
        ? try infinite(Double(value), isLow: index == 1, context) : Double(value)
    }
    guard let tensor = try context.tensor(index, attribute) else { return nil }
    let value = try number(context, tensor, attribute)
    return value.isInfinite ? try infinite(value, isLow: index == 1, context) : value
  }

  /// Gives `nil`, for no limit, where the limit is the infinity on its own side.
  private static func infinite(_ value: Double, isLow: Bool, _ context: NodeContext)
    throws(Obstacle) -> Double?
  {
    guard (value < 0) == isLow else { throw context.realOutput }
    return nil
  }

  /// The exact value of a constant with a single element.
  private static func number(_ context: NodeContext, _ tensor: Tensor, _ what: String)
    throws(Obstacle) -> Double
  {
    let value: Double? =
      if let integers = tensor.integers() {
        integers.first.flatMap { $0.magnitude <= 1 << 40 ? Double($0) : nil }
      } else if tensor.elementType == .float64 {
        tensor.elements(of: Double.self).first
      } else {
        tensor.convertedToFloat()?.elements(of: Float.self).first.map { Double($0) }
      }
    guard let value, tensor.count == 1, !value.isNaN else {
      throw .elementType(node: context.label, what: what, actual: tensor.elementType)
    }
    return value
  }
}

extension IntegerGrid {
  /// The number of steps that a number is, up to the rounding of single precision; `nil` where it is not on the grid.
  func steps(_ number: Double) -> Int? {
    let step = Double(scale ?? 1)
    let steps = (number / step).rounded()
    guard steps.magnitude <= 0x1p40,
      abs(steps * step - number) <= abs(number) * 0x1p-23
    else { return nil }
    return Int(steps)
  }

  /// Clamps the values to two limits, either of which may be `nil`.
  ///
  /// - Throws: ``Obstacle`` where a limit that takes effect is not a step of the grid.
  mutating func limit(from low: Double?, to high: Double?, _ context: NodeContext)
    throws(Obstacle)
  {
    let isDescending = (scale ?? 1) < 0
    let (below, above) = isDescending ? (high, low) : (low, high)
    // A limit beyond all the integers moves every one of them.
    if let below, below / Double(scale ?? 1) > Double(minimum) {
      guard let least = steps(below) else { throw context.realOutput }
      minimum = max(minimum, least)
      maximum = max(maximum, least)
    }
    if let above, above / Double(scale ?? 1) < Double(maximum) {
      guard let greatest = steps(above) else { throw context.realOutput }
      minimum = min(minimum, greatest)
      maximum = min(maximum, greatest)
    }
  }
}
