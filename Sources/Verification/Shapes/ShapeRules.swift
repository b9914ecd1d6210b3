import TensorCore

/// The dimensions of operators' outputs, as their definitions give them from those of the inputs.
///
/// A dimension that doesn't follow is unknown, and a shape whose rank doesn't is `nil`. The file's own statements about
/// computed values play no part here.
enum ShapeRules {
  typealias Sizes = [Size]

  @Sendable static func unknown(_ context: NodeContext, _ output: Int) -> Sizes? { nil }

  @Sendable static func same(_ context: NodeContext, _ output: Int) -> Sizes? { context.shape(0) }

  @Sendable static func broadcast(_ context: NodeContext, _ output: Int) -> Sizes? {
    var result: Sizes = []
    for index in context.node.inputs.indices {
      guard let shape = context.shape(index), let both = broadcast(result, shape) else {
        return nil
      }
      result = both
    }
    return result
  }

  /// The common shape of two by broadcasting; `nil` where they don't fit.
  static func broadcast(_ a: Sizes, _ b: Sizes) -> Sizes? {
    let rank = max(a.count, b.count)
    var result: Sizes = []
    for axis in 0..<rank {
      let (left, right) = (axis - rank + a.count, axis - rank + b.count)
      switch (left < 0 ? 1 : a[left], right < 0 ? 1 : b[right]) {
      case (1, let size), (let size, 1): result.append(size)
      case (.known(let first), .known(let second)):
        guard first == second else { return nil }
        result.append(.known(first))
      case (let first, let second) where first == second: result.append(first)
      // An unknown size may be 1, so a known size other than 1 is that of the result.
      case (.known(let size), _), (_, .known(let size)): result.append(.known(size))
      default: result.append(.unknown)
      }
    }
    return result
  }

  @Sendable static func reduction(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard var shape = context.shape(0), let keeps = try? context.int("keepdims", default: 1) else {
      return nil
    }
    var axes = try? context.ints("axes")
    if axes == nil, context.has(1) {
      guard let given = context.integers(1) else { return nil }
      axes = given
    }
    let isNoop = (try? context.int("noop_with_empty_axes", default: 0)) ?? 0
    if axes?.isEmpty ?? true {
      if isNoop != 0 { return shape }
      axes = Array(shape.indices)
    }
    var reduced: Set<Int> = []
    for axis in axes ?? [] {
      guard let axis = Shape.normalizedAxis(axis, rank: shape.count) else { return nil }
      reduced.insert(axis)
    }
    for axis in reduced { shape[axis] = 1 }
    return keeps != 0 ? shape : shape.indices.filter { !reduced.contains($0) }.map { shape[$0] }
  }

  // MARK: Dot products

  static func convolution(weight index: Int) -> OperatorDefinition.ShapeRule {
    { context, _ in
      guard let input = context.shape(0), let weight = context.shape(index), input.count >= 2,
        weight.count == input.count
      else { return nil }
      return [input[0], weight[0]] + Sizes(repeating: .unknown, count: input.count - 2)
    }
  }

  @Sendable static func transposedConvolution(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let input = context.shape(0), let weight = context.shape(1), input.count >= 2,
      weight.count == input.count, let groups = try? context.int("group", default: 1)
    else { return nil }
    let channels = weight[1].known.map { $0.multipliedReportingOverflow(by: groups) }
    return [input[0], Size(channels.flatMap { $0.overflow ? nil : $0.partialValue })]
      + Sizes(repeating: .unknown, count: input.count - 2)
  }

  static func gemm(right index: Int) -> OperatorDefinition.ShapeRule {
    { context, _ in
      guard let left = context.shape(0), let right = context.shape(index), left.count == 2,
        right.count == 2, let transA = try? context.int("transA", default: 0),
        let transB = try? context.int("transB", default: 0)
      else { return nil }
      return [left[transA == 0 ? 0 : 1], right[transB == 0 ? 1 : 0]]
    }
  }

  static func matMul(right index: Int) -> OperatorDefinition.ShapeRule {
    { context, _ in
      guard let left = context.shape(0), let right = context.shape(index), !left.isEmpty,
        !right.isEmpty, let batch = broadcast(left.dropLast(2), right.dropLast(2))
      else { return nil }
      return batch + (left.count > 1 ? [left[left.count - 2]] : [])
        + (right.count > 1 ? [right[right.count - 1]] : [])
    }
  }

  private static func broadcast(_ a: ArraySlice<Size>, _ b: ArraySlice<Size>) -> Sizes? {
    broadcast(Array(a), Array(b))
  }

  // MARK: Windows

  /// Keeps the batch and the channels; the sizes that a window leaves of the other axes are not computed.
  @Sendable static func channelsKept(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let shape = context.shape(0), shape.count >= 2 else { return nil }
    return [shape[0], shape[1]] + Sizes(repeating: .unknown, count: shape.count - 2)
  }

  /// Keeps the rank alone, since any axis may be resized.
  @Sendable static func rankKept(_ context: NodeContext, _ output: Int) -> Sizes? {
    context.shape(0).map { Sizes(repeating: .unknown, count: $0.count) }
  }

  @Sendable static func globalPool(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let shape = context.shape(0), shape.count >= 2 else { return nil }
    return [shape[0], shape[1]] + Sizes(repeating: 1, count: shape.count - 2)
  }

  @Sendable static func pad(_ context: NodeContext, _ output: Int) -> Sizes? {
    guard let shape = context.shape(0), !context.has(3) else { return nil }
    guard let pads = (try? context.ints("pads")) ?? context.integers(1),
      pads.count == 2 * shape.count
    else { return Sizes(repeating: .unknown, count: shape.count) }
    return shape.indices.map { axis in
      Size(
        shape[axis].known.flatMap {
          ShapeArithmetic.sum([$0, pads[axis], pads[axis + shape.count]])
        })
    }
  }
}
