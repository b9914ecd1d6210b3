import DNNEngine
import GraphIR
import TensorCore

/// `y = min(max(x, low), high)` (ONNX Clip, opset 6, 11, 12, 13).
///
/// The bounds are attributes before opset 11 and optional scalar inputs since; an absent bound doesn't
/// bind. Where `low > high` the result is `high`.
public struct Clip: ExecutableOperator {
  public static let schema = OperatorSchema(
    "Clip", since: 6, inputs: 1...3, inputTypes: [.numeric])

  /// Where the bounds come from.
  public enum Bounds: Sendable, Hashable {
    case attributes(minimum: Float?, maximum: Float?)
    case inputs
  }

  public var bounds: Bounds

  public init(bounds: Bounds = .inputs) { self.bounds = bounds }

  public init(attributes: AttributeReader) throws(OperatorError) {
    if attributes.opset < 11 {
      bounds = .attributes(
        minimum: try attributes.float("min"), maximum: try attributes.float("max"))
    } else {
      bounds = .inputs
    }
  }

  public func attributes() -> [Attribute] {
    guard case .attributes(let minimum, let maximum) = bounds else { return [] }
    return [("min", minimum), ("max", maximum)].compactMap { name, value in
      value.map { Attribute(name, .float($0)) }
    }
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    if case .attributes = bounds, inputs.count > 1 {
      throw .arity(what: "inputs", expected: 1...1, actual: inputs.count)
    }
    for index in 1...2 {
      if let count = inputs.dimensions(index)?.count, count > 1 {
        throw .rank(input: index, expected: "0", actual: count)
      }
    }
    return [inputs.type(0)]
  }
}

extension Clip: DifferentiableOperator {
  /// The bounds must be constant.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    switch input.elementType {
    case .float32:
      return try UnaryKernels.make(try function(context), context)
    case .int32: return try integerKernel(context, Int32.self)
    case .int64: return try integerKernel(context, Int64.self)
    case let other: throw .operator(.unsupported(what: "Clip of \(other.onnxName)"))
    }
  }

  /// dX = dY where low < x <= high, else 0.
  public func makeTrainingKernel(_ context: TrainingContext) throws(KernelError)
    -> any TrainingKernel
  {
    try UnaryGradients.make(
      try function(context.kernel), try makeKernel(context.kernel), context)
  }

  /// With a result of `high` where the bounds cross, as the formula says.
  private func function(_ context: KernelContext) throws(KernelError) -> ElementwiseFunction {
    let (low, high) = try floatBounds(context)
    return .clip(low: min(low, high), high: high)
  }

  private func floatBounds(_ context: KernelContext) throws(KernelError) -> (Float, Float) {
    switch bounds {
    case .attributes(let low, let high): return (low ?? -.infinity, high ?? .infinity)
    case .inputs:
      var values: [Float?] = [nil, nil]
      for (index, name) in [(1, "min"), (2, "max")] {
        guard let input = context.optional(index) else { continue }
        guard let constant = input.constant else { throw .operator(.needsConstant(input: name)) }
        values[index - 1] = constant.convertedToFloat()?.elements(of: Float.self).first
      }
      return (values[0] ?? -.infinity, values[1] ?? .infinity)
    }
  }

  private func integerKernel<T: TensorElement & FixedWidthInteger>(
    _ context: KernelContext, _ type: T.Type
  ) throws(KernelError) -> any Kernel {
    let low = try context.constantIntegers(1, "min")?.first.map(T.init(clamping:)) ?? .min
    let high = try context.constantIntegers(2, "max")?.first.map(T.init(clamping:)) ?? .max
    let count = try context.output().count
    return ClosureKernel(context) { operands in
      let (x, y) = (operands.input(0, as: T.self), operands.output(as: T.self))
      for i in 0..<count { y[i] = min(max(x[i], low), high) }
    }
  }
}
