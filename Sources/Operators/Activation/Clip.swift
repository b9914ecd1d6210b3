import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = min(max(x, low), high)` (ONNX Clip, opset 6, 11, 12, 13).
///
/// The bounds are attributes before opset 11 and optional scalar inputs since; an absent bound doesn't
/// bind. Where `low > high` the result is `high`.
package struct Clip: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Clip", since: 6, inputs: 1...3, inputTypes: [.numeric])

  package var elementwise: ElementwiseForm? { .unary }

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    let (minimum, maximum) =
      switch bounds {
      case .attributes(let minimum, let maximum): (minimum, maximum)
      case .inputs: (constant(1), constant(2))
      }
    return OutputRange(minimum: minimum ?? -.infinity, maximum: maximum ?? .infinity, isClip: true)
  }

  /// Where the bounds come from.
  package enum Bounds: Sendable, Hashable {
    case attributes(minimum: Float?, maximum: Float?)
    case inputs
  }

  package var bounds: Bounds

  package init(bounds: Bounds = .inputs) { self.bounds = bounds }

  package init(attributes: AttributeReader) throws(OperatorError) {
    if attributes.opset < 11 {
      bounds = .attributes(
        minimum: try attributes.float("min"), maximum: try attributes.float("max"))
    } else {
      bounds = .inputs
    }
  }

  package func attributes() -> [Attribute] {
    guard case .attributes(let minimum, let maximum) = bounds else { return [] }
    return [("min", minimum), ("max", maximum)].compactMap { name, value in
      value.map { Attribute(name, .float($0)) }
    }
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    guard opsets.crosses(11), case .attributes(let minimum, let maximum) = bounds else {
      return nil
    }
    for (position, bound, suffix) in [(1, minimum, "_minimum"), (2, maximum, "_maximum")] {
      guard let bound else { continue }
      let scalar = try graph.scalar(bound, likeInputOf: node)
      graph.setInput(node, position, toConstant: scalar, suffix)
    }
    graph[node].op = Clip()
    return "bounds as inputs"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
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
  /// oneDNN for floats between constant bounds, otherwise element by element in row-major order.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.requireOneType()
    if try context.input(0).elementType == .float32, let function = try function(context) {
      return try UnaryKernels.make(function, context)
    }
    return try kernel(try context.number(0), context)
  }

  /// dX = dY where low < x <= high, else 0.
  ///
  /// - Throws: ``OperatorError/needsConstant(input:)`` where the bounds are computed.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    guard let function = try function(context.kernel) else {
      throw .operator(.needsConstant(input: "min and max"))
    }
    return try UnaryGradients.make(function, try makeKernel(context.kernel), context)
  }

  /// With a result of `high` where the bounds cross, as the formula says; `nil` where a bound is computed.
  private func function(_ context: KernelContext) throws(KernelError) -> ElementwiseFunction? {
    var (low, high) = (-Float.infinity, Float.infinity)
    switch bounds {
    case .attributes(let minimum, let maximum):
      (low, high) = (minimum ?? low, maximum ?? high)
    case .inputs:
      if let input = context.optional(1) {
        guard let value = input.constant?.firstFloat else { return nil }
        low = value
      }
      if let input = context.optional(2) {
        guard let value = input.constant?.firstFloat else { return nil }
        high = value
      }
    }
    return .clip(low: min(low, high), high: high)
  }

  @_specialize(where T == Int8)
  @_specialize(where T == UInt8)
  @_specialize(where T == Int32)
  @_specialize(where T == Int64)
  private func kernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    let (layout, count) = try context.input(0).elementwiseMemory(keepsZero: false)
    var (least, greatest) = (T.least, T.greatest)
    if case .attributes(let minimum, let maximum) = bounds {
      if let minimum { least = T(converting: Double(minimum)) }
      if let maximum { greatest = T(converting: Double(maximum)) }
    }
    let hasInput = [1, 2].map { context.optional($0).map { $0.type.count > 0 } ?? false }
    return ClosureKernel(inputs: context.requests(first: layout), outputs: [layout]) {
      [least, greatest] operands in
      let (x, y) = (operands.input(0, as: T.self), operands.output(as: T.self))
      let low = hasInput[0] ? operands.input(1, as: T.self)[0] : least
      let high = hasInput[1] ? operands.input(2, as: T.self)[0] : greatest
      for i in 0..<count { y[i] = T.lesser(T.greater(x[i], low), high) }
    }
  }
}

extension Tensor {
  /// The first element of a tensor of floats.
  fileprivate var firstFloat: Float? {
    convertedToFloat()?.withElements(of: Float.self) { $0.first }
  }
}
