import TensorCore

/// Rules for operators that only reorder elements, which are followed for constants too.
enum MovementRules {
  static func identity(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    try context.fact(0)
  }

  /// The input itself; refuses a node that drops and scales elements at run time.
  static func dropout(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    if let training = try context.tensor(2, "training_mode")?.integers(), training != [0] {
      throw .runTimeParameter(node: context.label, parameter: "training_mode")
    }
    return try context.fact(0)
  }

  static func transpose(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard case .constant(let constant) = try context.fact(0) else { return try context.fact(0) }
    let rank = constant.shape.count
    let permutation = try context.ints("perm") ?? Array((0..<rank).reversed())
    guard let moved = constant.transposed(permutation) else {
      throw .attribute(node: context.label, name: "perm")
    }
    return .constant(moved)
  }

  static func reshape(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard case .constant(let constant) = try context.fact(0) else { return try context.fact(0) }
    guard let target = context.integers(1) else {
      throw .missingInput(node: context.label, index: 1)
    }
    let keepsZero = try context.int("allowzero", default: 0) != 0
    var shape = target
    for axis in shape.indices where shape[axis] == 0 && !keepsZero {
      guard axis < constant.shape.count else { throw reshapeFailure(context, constant, target) }
      shape[axis] = constant.shape[axis]
    }
    let open = shape.indices.filter { shape[$0] == -1 }
    if let axis = open.first, open.count == 1 {
      shape[axis] = 1
      guard let rest = Shape.elementCount(shape), rest > 0, constant.tensor.count % rest == 0
      else { throw reshapeFailure(context, constant, target) }
      shape[axis] = constant.tensor.count / rest
    }
    return .constant(try reshaped(context, constant, shape))
  }

  static func flatten(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard case .constant(let constant) = try context.fact(0) else { return try context.fact(0) }
    let rank = constant.shape.count
    let axis = try context.int("axis", default: 1)
    guard axis >= -rank, axis <= rank else { throw .attribute(node: context.label, name: "axis") }
    let split = axis < 0 ? axis + rank : axis
    let shape = [
      Shape.elementCount(constant.shape[..<split]) ?? 0,
      Shape.elementCount(constant.shape[split...]) ?? 0,
    ]
    return .constant(try reshaped(context, constant, shape))
  }

  static func squeeze(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard case .constant(let constant) = try context.fact(0) else { return try context.fact(0) }
    let rank = constant.shape.count
    var removed = Set(constant.shape.indices.filter { constant.shape[$0] == 1 })
    if let axes = try axes(context) {
      removed = []
      for axis in axes {
        guard let axis = Shape.normalizedAxis(axis, rank: rank), constant.shape[axis] == 1 else {
          throw .attribute(node: context.label, name: "axes")
        }
        removed.insert(axis)
      }
    }
    let kept = constant.shape.indices.filter { !removed.contains($0) }
    return .constant(try reshaped(context, constant, kept.map { constant.shape[$0] }))
  }

  static func unsqueeze(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard case .constant(let constant) = try context.fact(0) else { return try context.fact(0) }
    guard let axes = try axes(context), axes.count <= 64 else {
      throw .attribute(node: context.label, name: "axes")
    }
    let rank = constant.shape.count + axes.count
    var inserted = Set<Int>()
    for axis in axes {
      guard let axis = Shape.normalizedAxis(axis, rank: rank), inserted.insert(axis).inserted
      else { throw .attribute(node: context.label, name: "axes") }
    }
    var sizes = constant.shape[...]
    let shape = (0..<rank).map { inserted.contains($0) ? 1 : sizes.popFirst() ?? 1 }
    return .constant(try reshaped(context, constant, shape))
  }

  /// The axes of an attribute (up to opset 12) or of the second input; `nil` where neither is given.
  private static func axes(_ context: NodeContext) throws(Obstacle) -> [Int]? {
    if let axes = try context.ints("axes") { return axes }
    guard context.has(1) else { return nil }
    guard let axes = context.integers(1) else {
      throw .runTimeParameter(node: context.label, parameter: "the axes")
    }
    return axes
  }

  private static func reshaped(
    _ context: NodeContext, _ constant: ConstantTensor, _ shape: [Int]
  ) throws(Obstacle) -> ConstantTensor {
    guard let result = constant.reshaped(shape) else {
      throw reshapeFailure(context, constant, shape)
    }
    return result
  }

  private static func reshapeFailure(
    _ context: NodeContext, _ constant: ConstantTensor, _ shape: [Int]
  ) -> Obstacle {
    .shape(
      node: context.label, what: "the new shape",
      expected: "one that keeps the axes of \(constant.shape) and of the scale apart",
      actual: "\(shape)")
  }
}

/// The rule for `Constant`: the tensor or numbers in its one attribute. Runtimes differ in which they take of two.
enum ConstantRule {
  static func apply(_ context: NodeContext) throws(Obstacle) -> ValueFact {
    guard let tensor = tensor(context) else {
      throw .attribute(node: context.label, name: "value")
    }
    return .constant(ConstantTensor(tensor, name: ConstantFolding.name(context)))
  }

  static func tensor(_ context: NodeContext) -> Tensor? {
    guard context.attributes.attributes.count == 1 else { return nil }
    return switch context.attributes.attributes[0].value {
    case .tensor(let tensor): tensor
    case .float(let value): Tensor(scalar: value)
    case .floats(let values): Tensor(values, shape: [values.count])
    case .int(let value): Tensor(scalar: value)
    case .ints(let values): Tensor(values, shape: [values.count])
    default: nil
    }
  }
}
