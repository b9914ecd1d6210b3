import TensorCore

/// Shape rules of operators that move elements.
extension ShapeRules {
  @Sendable static func transpose(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let shape = context.shape(0) else { return nil }
    let permutation = (try? context.ints("perm")) ?? Array(shape.indices.reversed())
    guard permutation.sorted() == Array(shape.indices) else { return nil }
    return permutation.map { shape[$0] }
  }

  @Sendable static func reshape(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let target = context.vector(1), let keepsZero = try? context.int("allowzero", default: 0)
    else { return nil }
    let source = context.shape(0)
    var result: Sizes = []
    // An unknown element may be -1 or 0, so that the one known -1 determines nothing.
    var open: Int?
    for (axis, size) in target.enumerated() {
      switch size {
      case 0 where keepsZero == 0:
        guard let source else {
          result.append(.unknown)
          continue
        }
        guard axis < source.count else { return nil }
        result.append(source[axis])
      case -1:
        guard open == nil else { return nil }
        open = axis
        result.append(.unknown)
      case .known(let number):
        guard number >= 0 else { return nil }
        result.append(size)
      case .named(let name):
        // A dimension of 0 would copy the input's; where that is the same one, it makes no difference.
        let isCopied = source.map { axis < $0.count && $0[axis] == size } ?? false
        result.append(keepsZero != 0 || name.isPositive || isCopied ? size : .unknown)
      case .unknown: result.append(.unknown)
      }
    }
    // The standard leaves open what -1 is beside a dimension of 0 that isn't copied.
    guard let open, let source, keepsZero == 0 || !target.contains(0) else { return result }
    return completed(result, open: open, source: source, target: target)
  }

  /// The shape with the size in place of -1: the quotient of the numbers of elements, from which unknown dimensions
  /// that are copied cancel, and named ones that both have.
  private static func completed(_ result: Sizes, open: Int, source: Sizes, target: Sizes) -> Sizes {
    var result = result
    // A 0 of the target copies the axis, so that an unknown dimension cancels there.
    var above = source
    var below = result
    below[open] = 1
    for axis in target.indices where target[axis] == 0 && axis < above.count {
      (above[axis], below[axis]) = (1, 1)
    }
    guard let elements = SizeProduct(above), let others = SizeProduct(below) else { return result }
    result[open] = elements.divided(by: others)
    return result
  }

  @Sendable static func flatten(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let shape = context.shape(0), let axis = try? context.int("axis", default: 1),
      axis >= -shape.count, axis <= shape.count
    else { return nil }
    let split = axis < 0 ? axis + shape.count : axis
    func count(_ sizes: ArraySlice<Size>) -> Size { SizeProduct(sizes)?.size ?? .unknown }
    return [count(shape[..<split]), count(shape[split...])]
  }

  @Sendable static func squeeze(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let shape = context.shape(0) else { return nil }
    var removed: Set<Int> = []
    if let axes = axes(context) {
      for axis in axes {
        guard let axis = Shape.normalizedAxis(axis, rank: shape.count) else { return nil }
        removed.insert(axis)
      }
    } else {
      guard !context.has(1), shape.allSatisfy({ $0.known != nil }) else { return nil }
      removed = Set(shape.indices.filter { shape[$0] == 1 })
    }
    return shape.indices.filter { !removed.contains($0) }.map { shape[$0] }
  }

  @Sendable static func unsqueeze(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let shape = context.shape(0), let axes = axes(context), axes.count <= 64 else {
      return nil
    }
    let rank = shape.count + axes.count
    var inserted: Set<Int> = []
    for axis in axes {
      guard let axis = Shape.normalizedAxis(axis, rank: rank), inserted.insert(axis).inserted else {
        return nil
      }
    }
    var rest = shape[...]
    return (0..<rank).map { inserted.contains($0) ? 1 : rest.popFirst() ?? .unknown }
  }

  @Sendable static func concat(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard var result = context.shape(0), let given = try? context.int("axis", default: 1),
      let axis = Shape.normalizedAxis(given, rank: result.count)
    else { return nil }
    for index in context.node.inputs.indices.dropFirst() {
      guard let shape = context.shape(index), shape.count == result.count else { return nil }
      for position in result.indices where position != axis {
        // All inputs agree, so that any of them tells the size.
        if result[position].known == nil { result[position] = shape[position] }
      }
      result[axis] = Size(
        result[axis].known.flatMap { a in
          shape[axis].known.flatMap { ShapeArithmetic.sum([a, $0]) }
        })
    }
    return result
  }

  @Sendable static func split(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard var result = context.shape(0), let given = try? context.int("axis", default: 0),
      let axis = Shape.normalizedAxis(given, rank: result.count)
    else { return nil }
    if let sizes = (try? context.ints("split")) ?? context.integers(1) {
      guard output < sizes.count else { return nil }
      result[axis] = .known(sizes[output])
    } else if !context.has(1), let size = result[axis].known {
      // The parts are equal, except for a smaller last one where they don't fit (opset 18).
      let parts = context.node.outputs.count
      let part = (size + parts - 1) / parts
      result[axis] = .known(min(part, max(size - part * output, 0)))
    } else {
      result[axis] = .unknown
    }
    return result
  }

  @Sendable static func slice(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard var result = context.shape(0) else { return nil }
    guard let slices = ShapeArithmetic.slices(context, rank: result.count) else {
      guard let axes = ShapeArithmetic.slicedAxes(context, rank: result.count) else {
        return Sizes(repeating: .unknown, count: result.count)
      }
      for axis in axes { result[axis] = .unknown }
      return result
    }
    for slice in slices {
      result[slice.axis] = Size(result[slice.axis].known.flatMap { slice.count(of: $0) })
    }
    return result
  }

  @Sendable static func gather(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let data = context.shape(0), let indices = context.shape(1),
      let given = try? context.int("axis", default: 0),
      let axis = Shape.normalizedAxis(given, rank: data.count)
    else { return nil }
    return data[..<axis] + indices + data[(axis + 1)...]
  }

  @Sendable static func expand(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let shape = context.shape(0), let target = context.vector(1) else { return nil }
    // Some runtimes read -1 as the input's own size.
    return broadcast(shape, target.map(\.dimension))
  }

  /// The dimensions that the first input lists.
  @Sendable static func fromVector(_ context: NodeContext, _ output: Int) -> Sizes? {
    context.vector(0).map { $0.map(\.dimension) }
  }

  /// The axes, which are an attribute up to opset 12 and the second input from 13 on.
  private static func axes(_ context: NodeContext) -> [Int]? {
    if let axes = try? context.ints("axes") { return axes }
    return context.integers(1)
  }
}
