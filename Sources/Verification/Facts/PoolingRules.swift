import TensorCore

/// Rules for pooling that picks elements.
enum PoolingRules {
  /// The rule for `MaxPool`, whose outputs are elements of the input if no window lies in the padding alone. Such a
  /// window gives the least number of the type, which is not a step of a grid.
  static func maximum(channelsLast: Bool) -> OperatorDefinition.IntegerRule {
    { context throws(Obstacle) in
      let fact = try context.fact(0)
      switch fact {
      case .real(let obstacle): throw obstacle
      case .constant: throw context.realOutput
      case .grid, .codes: break
      }
      // Codes of a type that no rule narrowed contain its least number.
      guard try everyWindowMeetsInput(context, channelsLast: channelsLast) else {
        throw context.realOutput
      }
      return fact
    }
  }

  private static func everyWindowMeetsInput(_ context: NodeContext, channelsLast: Bool)
    throws(Obstacle) -> Bool
  {
    guard let kernel = try context.ints("kernel_shape") else {
      throw .attribute(node: context.label, name: "kernel_shape")
    }
    let rank = kernel.count
    let shape = context.shape(0)
    if let shape, shape.count != rank + 2 || shape.contains(0) { return false }
    let strides = try context.ints("strides") ?? [Int](repeating: 1, count: rank)
    let dilations = try context.ints("dilations") ?? [Int](repeating: 1, count: rank)
    let automatic = try context.string("auto_pad", default: "NOTSET")
    let pads = try context.ints("pads") ?? [Int](repeating: 0, count: 2 * rank)
    guard strides.count == rank, dilations.count == rank, pads.count == 2 * rank,
      (kernel + strides + dilations).allSatisfy({ (1...1 << 24).contains($0) }),
      pads.allSatisfy({ (0...1 << 24).contains($0) })
    else { return false }
    let ceil = try context.int("ceil_mode", default: 0) != 0
    return (0..<rank).allSatisfy { axis in
      if automatic == "VALID" { return !ceil }
      let size = shape.flatMap { $0[axis + (channelsLast ? 1 : 2)].known }
      let window = AxisWindow(
        kernel: kernel[axis], stride: strides[axis], dilation: dilations[axis],
        before: pads[axis], after: pads[axis + rank], roundsUp: ceil)
      switch automatic {
      case "NOTSET": return window.alwaysMeets(inputOf: size)
      // The padding is smaller than the window, so without gaps every window meets the input.
      case "SAME_UPPER", "SAME_LOWER": return dilations[axis] == 1
      default: return false
      }
    }
  }
}

/// The windows along one axis.
private struct AxisWindow {
  var kernel: Int
  var stride: Int
  var dilation: Int
  var before: Int
  var after: Int
  var roundsUp: Bool

  /// Whether every window holds an element of the input.
  ///
  /// - Parameter size: the size of the input along the axis; `nil` where it can be any.
  func alwaysMeets(inputOf size: Int?) -> Bool {
    let extent = (kernel - 1) * dilation + 1
    if before == 0, after == 0, !roundsUp { return true }
    // Without gaps it suffices that the first window ends inside the input and the last one begins inside.
    if dilation == 1, before < kernel, after + (roundsUp ? stride - 1 : 0) < kernel { return true }
    guard let size, size <= 1 << 20 else { return false }
    let room = size + before + after - extent
    guard room >= 0 else { return false }
    let last = (room + (roundsUp ? stride - 1 : 0)) / stride
    return (0...last).allSatisfy { position in
      let start = position * stride - before
      // The number of taps before the first one at 0 or beyond.
      let skipped = start >= 0 ? 0 : (-start + dilation - 1) / dilation
      return skipped < kernel && start + skipped * dilation < size
    }
  }
}
