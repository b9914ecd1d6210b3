import DNNEngine
import GraphIR
import TensorCore

/// The mean over axes (ONNX ReduceMean, opset 1, 11, 13, 18).
///
/// `axes` is an attribute before opset 18 and an optional input since. Absent or empty, all axes are
/// reduced, unless `noopWithEmptyAxes` (opset 18), which returns the input.
public struct ReduceMean: ExecutableOperator {
  public static let schema = OperatorSchema(
    "ReduceMean", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  /// `nil` in the attribute form reduces all.
  public enum Axes: Sendable, Hashable {
    case attribute([Int]?)
    case input(noopWithEmptyAxes: Bool)
  }

  public var axes: Axes
  public var keepsDimensions: Bool

  public init(axes: Axes, keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    keepsDimensions = try attributes.bool("keepdims", default: true)
    axes =
      attributes.opset < 18
      ? .attribute(try attributes.ints("axes"))
      : .input(noopWithEmptyAxes: try attributes.bool("noop_with_empty_axes", default: false))
  }

  public func attributes() -> [Attribute] {
    var result = [Attribute("keepdims", .int(keepsDimensions ? 1 : 0))]
    switch axes {
    case .attribute(let list?): result.append(Attribute("axes", .ints(list.map(Int64.init))))
    case .input(noopWithEmptyAxes: true): result.append(Attribute("noop_with_empty_axes", .int(1)))
    default: break
    }
    return result
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions,
      let reduced = try reducedAxes(inputs, rank: dimensions.count)
    else { return [TensorType(type.elementType, nil)] }
    var result: [Dimension] = []
    for axis in dimensions.indices {
      if !reduced.contains(axis) {
        result.append(dimensions[axis])
      } else if keepsDimensions {
        result.append(1)
      }
    }
    return [TensorType(type.elementType, result)]
  }

  /// The axes to reduce in ascending order, or `nil` where they aren't constant.
  func reducedAxes(_ inputs: [InputInfo?], rank: Int) throws(OperatorError) -> [Int]? {
    var named: [Int] = []
    var isNoop = false
    switch axes {
    case .attribute(let list): named = list ?? []
    case .input(let noopWithEmptyAxes):
      isNoop = noopWithEmptyAxes
      if inputs.isPresent(1) {
        guard let list = try inputs.integers(1) else { return nil }
        named = list
      }
    }
    if named.isEmpty { return isNoop ? [] : Array(0..<rank) }
    return try Operators.Axes.normalized(named, rank: rank)
  }
}

extension ReduceMean: DifferentiableOperator {
  /// Average pooling where exactly the spatial axes are reduced, else oneDNN's reduction in row-major
  /// order.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.floatInput(0)
    let reduced = try reduced(context)
    if reduced.isEmpty { return ViewKernel(context) }
    guard input.type.count > 0 else {
      throw .operator(.unsupported(what: "the mean of no elements"))
    }
    if isGlobalPooling(reduced, rank: input.shape.count) {
      return try PoolingKernels.global(context)
    }
    let shape = kept(input.shape, reduced)
    let (primitive, x, y) = try KernelError.engine { () throws(EngineError) in
      let x = try MemoryDescriptor(rowMajor: input.shape)
      let y = try MemoryDescriptor(rowMajor: shape)
      return (
        try PrimitiveDescriptor.mean(context.engine, source: x, destination: y), x, y
      )
    }
    return try PrimitiveKernel(
      primitive, [(.source, x, .input(0)), (.destination, y, .output(0))],
      inputs: context.rowMajorInputs, outputs: [.rowMajor])
  }

  /// dX = dY / n at each of the n elements of a mean.
  public func makeTrainingKernel(_ context: TrainingContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let input = try context.kernel.floatInput(0)
    let reduced = try reduced(context.kernel)
    if reduced.isEmpty { return InferredTrainingKernel.view(kernel) }
    if isGlobalPooling(reduced, rank: input.shape.count) {
      return try PoolingTraining.global(context)
    }
    let rows = BroadcastRows(input.shape, kept(input.shape, reduced), output: input.shape)
    let share = 1 / Float(reduced.reduce(1) { $0 * input.shape[$1] })
    return InferredTrainingKernel("mean", kernel, preferred: .rowMajor) { _ in
      Backward(
        "mean gradient", operands: [.gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let (dy, dx) = (operands.input(0, as: Float.self), operands.output(as: Float.self))
        rows.forEach(0..<rows.count) { row, _, from in
          for i in 0..<rows.length {
            dx[row * rows.length + i] = dy[from + i * rows.stepB] * share
          }
        }
      }
    }
  }

  private func reduced(_ context: KernelContext) throws(KernelError) -> [Int] {
    let rank = try context.input(0).shape.count
    let reduced = try KernelError.operation { () throws(OperatorError) in
      try reducedAxes(context.inferenceInputs, rank: rank)
    }
    guard let reduced else { throw .operator(.needsConstant(input: "axes")) }
    return reduced
  }

  private func isGlobalPooling(_ reduced: [Int], rank: Int) -> Bool {
    keepsDimensions && (3...5).contains(rank) && reduced == Array(2..<rank)
  }

  /// The shape with the reduced axes kept as 1.
  private func kept(_ shape: [Int], _ reduced: [Int]) -> [Int] {
    shape.indices.map { reduced.contains($0) ? 1 : shape[$0] }
  }
}
