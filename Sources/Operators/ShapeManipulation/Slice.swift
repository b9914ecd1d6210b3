import Execution
import GraphIR
import TensorCore

/// A range with a step along each of some axes (ONNX Slice, opset 1, 10, 11, 13).
///
/// Starts, ends and axes are attributes before opset 10; since, they are inputs, with steps. Negative
/// positions count from the end, and all are clamped.
package struct Slice: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Slice", since: 1, inputs: 1...5, inputTypes: [.any, .anyIndex])

  package var movement: ElementMovement? { ElementMovement(.selected) }

  /// Where the ranges come from.
  package enum Ranges: Sendable, Hashable {
    case attributes(starts: [Int], ends: [Int], axes: [Int]?)
    case inputs
  }

  package var ranges: Ranges

  package init(ranges: Ranges = .inputs) { self.ranges = ranges }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard attributes.opset < 10 else {
      ranges = .inputs
      return
    }
    guard let starts = try attributes.ints("starts") else {
      throw .missingAttribute(name: "starts")
    }
    guard let ends = try attributes.ints("ends") else { throw .missingAttribute(name: "ends") }
    ranges = .attributes(starts: starts, ends: ends, axes: try attributes.ints("axes"))
  }

  package func attributes() -> [Attribute] {
    guard case .attributes(let starts, let ends, let axes) = ranges else { return [] }
    var result = [
      Attribute("starts", .ints(starts.map(Int64.init))),
      Attribute("ends", .ints(ends.map(Int64.init))),
    ]
    if let axes { result.append(Attribute("axes", .ints(axes.map(Int64.init)))) }
    return result
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    guard opsets.crosses(10), case .attributes(let starts, let ends, let axes) = ranges else {
      return nil
    }
    graph.setInput(node, 1, toIntegers: starts, "_starts")
    graph.setInput(node, 2, toIntegers: ends, "_ends")
    if let axes { graph.setInput(node, 3, toIntegers: axes, "_axes") }
    graph[node].op = Slice()
    return "ranges as inputs"
  }

  /// A resolved range along one axis: `count` elements from `start` at a distance of `step`.
  struct Range: Sendable, Hashable {
    var axis: Int
    var start: Int
    var step: Int
    var count: Int
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let data = inputs.type(0) else { return [nil] }
    guard var dimensions = data.dimensions else { return [TensorType(data.elementType, nil)] }
    guard let parameters = try parameters(inputs, rank: dimensions.count) else {
      // Where the axes are known, the others keep their sizes.
      let axes = try openAxes(inputs, rank: dimensions.count) ?? Array(dimensions.indices)
      for axis in axes { dimensions[axis] = .unknown }
      return [TensorType(data.elementType, dimensions)]
    }
    for (position, axis) in parameters.axes.enumerated() {
      guard let size = dimensions[axis].size else {
        let isWhole =
          parameters.starts[position] == 0 && parameters.steps[position] == 1
          && parameters.ends[position] >= Int(Int32.max)
        if !isWhole { dimensions[axis] = .unknown }
        continue
      }
      dimensions[axis] = .fixed(parameters.range(position, size: size).count)
    }
    return [TensorType(data.elementType, dimensions)]
  }

  /// The axes of ranges that are not all constant; `nil` where the axes themselves aren't.
  private func openAxes(_ inputs: [InputInfo?], rank: Int) throws(OperatorError) -> [Int]? {
    let axes =
      inputs.isPresent(3)
      ? try inputs.integers(3) : inputs.type(1)?.shape?.first.map { Array(0..<min($0, rank)) }
    guard let axes else { return nil }
    var result: [Int] = []
    for axis in axes { result.append(try Axes.normalized(axis, rank: rank)) }
    return result
  }

  /// Starts, ends, axes and steps of one length, or `nil` where an input isn't constant.
  func parameters(_ inputs: [InputInfo?], rank: Int) throws(OperatorError) -> Parameters? {
    let starts: [Int]
    let ends: [Int]
    var axes: [Int]?
    var steps: [Int]?
    switch ranges {
    case .attributes(let first, let last, let named): (starts, ends, axes) = (first, last, named)
    case .inputs:
      for index in 1...2 where !inputs.isPresent(index) {
        throw .missingInput(index: index, name: index == 1 ? "starts" : "ends")
      }
      guard let first = try inputs.integers(1), let last = try inputs.integers(2) else {
        return nil
      }
      axes = try inputs.integers(3)
      steps = try inputs.integers(4)
      if inputs.isPresent(3) && axes == nil || inputs.isPresent(4) && steps == nil { return nil }
      (starts, ends) = (first, last)
    }
    var normalized: [Int] = []
    for axis in axes ?? Array(0..<starts.count) {
      normalized.append(try Axes.normalized(axis, rank: rank))
    }
    let parameters = Parameters(
      starts: starts, ends: ends, axes: normalized,
      steps: steps ?? [Int](repeating: 1, count: starts.count))
    for (what, count) in [
      ("ends", ends.count), ("axes", normalized.count), ("steps", parameters.steps.count),
    ] where count != starts.count {
      throw .mismatch(what: "number of \(what)", expected: "\(starts.count)", actual: "\(count)")
    }
    guard Set(normalized).count == normalized.count else {
      throw .attributeValue(name: "axes", value: "\(normalized)", allowed: "distinct axes")
    }
    if parameters.steps.contains(0) {
      throw .outOfRange(what: "step", value: 0, allowed: "other than 0")
    }
    return parameters
  }

  struct Parameters {
    var starts: [Int]
    var ends: [Int]
    var axes: [Int]
    var steps: [Int]

    /// The range at `position` of the lists, clamped to a dimension of `size`.
    func range(_ position: Int, size: Int) -> Range {
      // Exporters write the 64-bit extremes for "to the end", which a sum with the size must not overflow.
      func clamp(_ value: Int, _ low: Int, _ high: Int) -> Int {
        min(max(value < 0 ? value.addingReportingOverflow(size).partialValue : value, low), high)
      }
      let step = max(steps[position], -Int.max)
      let axis = axes[position]
      if step > 0 {
        let start = clamp(starts[position], 0, size)
        let end = clamp(ends[position], 0, size)
        let count = end > start ? (end - start - 1) / step + 1 : 0
        return Range(axis: axis, start: start, step: step, count: count)
      }
      let start = clamp(starts[position], 0, size - 1)
      let end = clamp(ends[position], -1, size - 1)
      let count = start > end ? (start - end - 1) / -step + 1 : 0
      return Range(axis: axis, start: max(start, 0), step: step, count: count)
    }
  }
}

extension Slice: DifferentiableOperator {
  /// A strided copy; the ranges must be constant.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let place = try place(context)
    let copy = try StridedCopy(
      try context.input(0).elementType, shape: try context.output().shape,
      source: place.strides, offset: place.offset)
    return ClosureKernel(context) { operands in
      copy.run(from: operands.input(0), to: operands.output())
    }
  }

  /// dX is dY where an element was copied from, else 0.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let place = try place(context.kernel)
    let scatter = StridedScatter(
      shape: try context.kernel.output().shape, strides: place.strides, offset: place.offset,
      count: try context.kernel.floatInput(0).type.count)
    return InferredTrainingKernel("slice", kernel, preferred: .rowMajor) { _ in
      scatter.backward("slice gradient")
    }
  }

  /// Where the output's elements stand in a row-major input.
  private func place(_ context: KernelContext) throws(KernelError) -> (strides: [Int], offset: Int)
  {
    let input = try context.input(0)
    let found = try KernelError.operation(
      try parameters(context.inferenceInputs, rank: input.shape.count))
    guard let found else { throw .operator(.needsConstant(input: "starts")) }
    var strides = Shape.strides(input.shape)
    var offset = 0
    for (position, axis) in found.axes.enumerated() {
      let range = found.range(position, size: input.shape[axis])
      offset += range.start * strides[axis]
      strides[axis] *= range.count > 1 ? range.step : 1
    }
    return (strides, offset)
  }
}

extension Slice: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    guard let data = inputs.vector(0), let parameters = try? parameters(inputs, rank: 1),
      parameters.axes.count <= 1
    else { return nil }
    guard !parameters.axes.isEmpty, !data.isEmpty else { return data }
    let range = parameters.range(0, size: data.count)
    return (0..<range.count).map { data[range.start + $0 * range.step] }
  }
}
