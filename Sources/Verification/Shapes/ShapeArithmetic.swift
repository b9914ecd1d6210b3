import TensorCore

/// The integer vectors that models compute from shapes, as far as their elements are known. Booleans are 0 and 1, and
/// floats count where they are whole numbers that arithmetic doesn't round.
enum ShapeArithmetic {
  /// The elements of a node's first output where it is an integer tensor of at most one dimension; a scalar is one
  /// element.
  ///
  /// - Parameter shape: the shape of that output.
  static func vector(_ context: NodeContext, shape: [Size]?) -> [Size]? {
    guard context.node.op.domain.isEmpty, let shape, shape.count <= 1 else { return nil }
    switch context.node.op.type {
    case "Shape": return context.shapeVector()
    case "Constant": return constant(context)
    case "Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Floor", "Ceil", "Round":
      return context.vector(0)
    case "Cast":
      guard let numbers = castRange(context) else { return nil }
      return context.vector(0)?.map { limited($0, to: numbers) }
    case "Concat":
      var result: [Size] = []
      for index in context.node.inputs.indices {
        guard let part = elements(context, index), context.shape(index)?.count == 1 else {
          return nil
        }
        result += part
      }
      return result.count <= limit ? result : nil
    case "Gather":
      guard let data = context.vector(0), let indices = context.integers(1) else { return nil }
      var result: [Size] = []
      for index in indices {
        guard let index = Shape.normalizedAxis(index, rank: data.count) else { return nil }
        result.append(data[index])
      }
      return result
    case "Slice":
      guard let data = context.vector(0), let slices = slices(context, rank: 1) else { return nil }
      return slices.reduce(data) { elements, slice in elements.flatMap { slice.elements(of: $0) } }
    case "Add": return combine(context, neutral: 0) { $0.addingReportingOverflow($1) }
    case "Sub": return combine(context, neutral: 0) { $0.subtractingReportingOverflow($1) }
    case "Mul": return combine(context, neutral: 1) { $0.multipliedReportingOverflow(by: $1) }
    case "Div": return combine(context, neutral: 1) { $0.dividedReportingOverflow(by: $1) }
    case "ConstantOfShape": return filled(context, shape)
    case "Expand": return elements(context, 0).flatMap { repeated($0, to: shape) }
    case "Equal":
      guard let a = elements(context, 0), let b = elements(context, 1) else { return nil }
      return pairs(a, b)?.map { $0.equals($1) ? 1 : $0.differs(from: $1) ? 0 : .unknown }
    case "Where":
      guard let condition = elements(context, 0), let a = elements(context, 1),
        let b = elements(context, 2), let choices = pairs(a, b).map({ $0.map { [$0, $1] } })
      else { return nil }
      return pairs(condition, choices)?.map { holds, choice in
        // Whatever the condition is, two equal numbers leave no choice.
        if choice[0].equals(choice[1]) { return choice[0] }
        return holds.known.map { choice[$0 == 0 ? 1 : 0] } ?? .unknown
      }
    default: return nil
    }
  }

  /// The sum of integers; `nil` beyond 64 bits.
  static func sum(_ terms: [Int]) -> Int? {
    var result = 0
    for term in terms {
      let (sum, overflow) = result.addingReportingOverflow(term)
      if overflow { return nil }
      result = sum
    }
    return result
  }

  private static let limit = 1024

  /// The elements of an input, all unknown where its length alone follows.
  private static func elements(_ context: NodeContext, _ index: Int) -> [Size]? {
    if let vector = context.vector(index) { return vector }
    guard let shape = context.shape(index), shape.count <= 1 else { return nil }
    let count = shape.isEmpty ? 1 : shape[0].known
    return count.flatMap { (0...limit).contains($0) ? [Size](repeating: .unknown, count: $0) : nil }
  }

  private static func constant(_ context: NodeContext) -> [Size]? {
    guard let tensor = ConstantRule.tensor(context), tensor.rank <= 1, tensor.count <= limit else {
      return nil
    }
    return elements(of: tensor)
  }

  /// The elements of a constant of integers, booleans or floats, of which only whole numbers are known.
  static func elements(of tensor: Tensor) -> [Size]? {
    if let integers = tensor.integers() { return integers.map { .known($0) } }
    guard let numbers = exactNumbers(tensor.elementType) else { return nil }
    let values =
      tensor.elementType == .float64
      ? tensor.elements(of: Double.self) : tensor.elements(of: Float.self).map(Double.init)
    return values.map { value in
      Int(exactly: value).map { limited(.known($0), to: numbers) } ?? .unknown
    }
  }

  /// The one value of a `ConstantOfShape`, as often as its shape has elements.
  private static func filled(_ context: NodeContext, _ shape: [Size]) -> [Size]? {
    guard case .tensor(let value)? = context.attributes["value"], value.count == 1 else {
      return nil
    }
    return elements(of: value).flatMap { repeated($0, to: shape) }
  }

  /// A vector of the shape's length; `nil` where it is neither of one element nor of that length.
  private static func repeated(_ vector: [Size], to shape: [Size]) -> [Size]? {
    let count = shape.isEmpty ? 1 : shape[0].known
    guard let count, (0...limit).contains(count) else { return nil }
    if vector.count == count { return vector }
    return vector.count == 1 ? [Size](repeating: vector[0], count: count) : nil
  }

  /// The elements of two vectors that meet by broadcasting.
  private static func pairs<A, B>(_ a: [A], _ b: [B]) -> [(A, B)]? {
    guard a.count == b.count || a.count == 1 || b.count == 1 else { return nil }
    let count = a.count == 1 ? b.count : a.count
    return (0..<count).map { (a[a.count == 1 ? 0 : $0], b[b.count == 1 ? 0 : $0]) }
  }

  /// The whole numbers that a type holds, on which sums, differences and products that stay in the range are exact.
  private static func exactNumbers(_ type: ElementType?) -> ClosedRange<Int>? {
    switch type {
    case .int64: Int.min...Int.max
    case .int32: Int(Int32.min)...Int(Int32.max)
    case .float32, .float64: -(1 << 24)...(1 << 24)
    default: nil
    }
  }

  private static func castRange(_ context: NodeContext) -> ClosedRange<Int>? {
    guard let code = try? context.int("to", default: 0) else { return nil }
    return exactNumbers(ElementType(rawValue: Int32(clamping: code)))
  }

  /// A size that a type holds. An open one may be any number of 64 bits, and is lost in a narrower type.
  private static func limited(_ size: Size, to numbers: ClosedRange<Int>) -> Size {
    switch size {
    case .known(let number): numbers.contains(number) ? size : .unknown
    default: numbers == Int.min...Int.max ? size : .unknown
    }
  }

  /// Arithmetic on the elements of both inputs.
  ///
  /// - Parameter neutral: the number that, as the second operand, gives the first.
  private static func combine(
    _ context: NodeContext, neutral: Int,
    _ operation: (Int, Int) -> (partialValue: Int, overflow: Bool)
  ) -> [Size]? {
    let type = context.elementType(0)
    guard let numbers = exactNumbers(type), let a = context.vector(0), let b = context.vector(1)
    else { return nil }
    // A quotient of floats isn't cut off.
    let isFraction = context.node.op.type == "Div" && type?.isInteger != true
    let isCommutative = ["Add", "Mul"].contains(context.node.op.type)
    return pairs(a, b)?.map { left, right in
      if right.known == neutral { return left }
      if isCommutative, left.known == neutral { return right }
      guard let left = left.known, let right = right.known else { return .unknown }
      let (value, overflow) = operation(left, right)
      if overflow || isFraction && left % right != 0 { return .unknown }
      // Beyond its range a type wraps or rounds.
      return limited(.known(value), to: numbers)
    }
  }
}

// MARK: Slices

/// The slice along one axis of a `Slice` node.
struct AxisSlice {
  let axis: Int
  let start: Int
  let end: Int
  let step: Int

  /// The first and last bound within an axis, as the standard clamps them; `nil` for a slice that runs backwards from
  /// before the first element, where runtimes differ.
  private func bounds(_ size: Int) -> (Int, Int)? {
    func clamped(_ value: Int, _ range: ClosedRange<Int>) -> Int {
      let value = value < 0 ? value.addingReportingOverflow(size).partialValue : value
      return min(max(value, range.lowerBound), range.upperBound)
    }
    if step > 0 { return (clamped(start, 0...size), clamped(end, 0...size)) }
    if start < -size { return nil }
    return (clamped(start, 0...(size - 1)), clamped(end, -1...(size - 1)))
  }

  /// The number of elements in the slice of an axis of a size; `nil` where runtimes differ.
  func count(of size: Int) -> Int? {
    guard size > 0 else { return 0 }
    guard let (first, last) = bounds(size) else { return nil }
    let distance = step > 0 ? last - first : first - last
    let stride = Int(clamping: step.magnitude)
    return distance <= 0 ? 0 : (distance - 1) / stride + 1
  }

  func elements(of vector: [Size]) -> [Size]? {
    if vector.isEmpty { return [] }
    guard let (first, _) = bounds(vector.count), let count = count(of: vector.count) else {
      return nil
    }
    return (0..<count).map { vector[first + $0 * step] }
  }
}

extension ShapeArithmetic {
  /// The slices of a node, from attributes (up to opset 9) or inputs; `nil` where one isn't constant.
  static func slices(_ context: NodeContext, rank: Int) -> [AxisSlice]? {
    guard let starts = (try? context.ints("starts")) ?? context.integers(1),
      let ends = (try? context.ints("ends")) ?? context.integers(2), starts.count == ends.count,
      let axes = sliceAxes(context, count: starts.count)
    else { return nil }
    var steps = [Int](repeating: 1, count: starts.count)
    if context.has(4) {
      guard let given = context.integers(4) else { return nil }
      steps = given
    }
    guard axes.count == starts.count, steps.count == starts.count else { return nil }
    var result: [AxisSlice] = []
    for index in starts.indices {
      guard let axis = Shape.normalizedAxis(axes[index], rank: rank), steps[index] != 0 else {
        return nil
      }
      result.append(
        AxisSlice(axis: axis, start: starts[index], end: ends[index], step: steps[index]))
    }
    return Set(result.map(\.axis)).count == result.count ? result : nil
  }

  /// The axes that a `Slice` node cuts, which leaves all others alone; `nil` where they aren't constant or don't fit.
  static func slicedAxes(_ context: NodeContext, rank: Int) -> Set<Int>? {
    let count = (try? context.ints("starts"))?.count ?? elements(context, 1)?.count
    guard let axes = sliceAxes(context, count: count) else { return nil }
    var result: Set<Int> = []
    for axis in axes {
      guard let axis = Shape.normalizedAxis(axis, rank: rank) else { return nil }
      result.insert(axis)
    }
    return result
  }

  /// The axes as given, which are the first `count` ones where the node names none.
  private static func sliceAxes(_ context: NodeContext, count: Int?) -> [Int]? {
    if let given = try? context.ints("axes") {
      return given
    } else if context.has(3) {
      return context.integers(3)
    }
    return count.map { Array(0..<$0) }
  }
}

extension NodeContext {
  /// The dimensions of the first input between `start` and `end`.
  func shapeVector() -> [Size]? {
    guard let shape = shape(0), let start = try? int("start", default: 0),
      let end = try? int("end", default: Int.max)
    else { return nil }
    func clamped(_ value: Int) -> Int {
      min(
        max(value < 0 ? value.addingReportingOverflow(shape.count).partialValue : value, 0),
        shape.count)
    }
    let (first, last) = (clamped(start), clamped(end))
    return first < last ? Array(shape[first..<last]) : []
  }
}
