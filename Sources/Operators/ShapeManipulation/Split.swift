import Execution
import GraphIR
import TensorCore

/// Cuts a tensor into parts along one axis (ONNX Split, opset 2, 11, 13, 18).
///
/// The sizes of the parts are the attribute `split` before opset 13 and an optional input since. Without
/// them there are as many parts as outputs, all of one size; since opset 18 their number is stated, and the
/// last one may be smaller.
package struct Split: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Split", since: 2, inputs: 1...2, outputs: 1...Int.max, inputTypes: [.any, .index])

  package var movement: ElementMovement? { ElementMovement(.selected, reachesAllOutputs: true) }

  /// Where the sizes come from.
  package enum Sizes: Sendable, Hashable {
    case attribute([Int])
    case input
    /// Of one size, as many as the node has outputs.
    case equal(Int)
    /// `num_outputs`.
    case parts(Int)
  }

  package var axis: Int
  package var sizes: Sizes

  package init(axis: Int = 0, sizes: Sizes) {
    self.axis = axis
    self.sizes = sizes
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = try attributes.int("axis", default: 0)
    if attributes.opset < 13, let list = try attributes.ints("split") {
      sizes = .attribute(list)
    } else if attributes.opset >= 18, let count = try attributes.int("num_outputs") {
      guard (1...Self.limit).contains(count) else {
        throw .attributeValue(name: "num_outputs", value: "\(count)", allowed: "1 to \(Self.limit)")
      }
      sizes = .parts(count)
    } else if attributes.inputCount > 1 {
      sizes = .input
    } else {
      sizes = .equal(max(attributes.outputCount, 1))
    }
  }

  /// Parts that are accepted.
  private static let limit = 1 << 20

  package func attributes() -> [Attribute] {
    var result = [Attribute("axis", .int(Int64(axis)))]
    switch sizes {
    case .attribute(let list): result.append(Attribute("split", .ints(list.map(Int64.init))))
    case .parts(let count): result.append(Attribute("num_outputs", .int(Int64(count))))
    case .input, .equal: break
    }
    return result
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    switch sizes {
    case .attribute(let list) where opsets.crosses(13):
      graph.setInput(node, 1, toIntegers: list, "_sizes")
      graph[node].op = Split(axis: axis, sizes: .input)
      return "sizes as an input"
    case .equal(let count) where opsets.crosses(18):
      graph[node].op = Split(axis: axis, sizes: .parts(count))
      return "num_outputs"
    default: return nil
    }
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [] }
    guard let dimensions = type.dimensions else { return [] }
    let axis = try Axes.normalized(axis, rank: dimensions.count)
    guard let parts = try parts(inputs, size: dimensions[axis].size) else {
      var part = dimensions
      part[axis] = .unknown
      let count = inputs.dimensions(1)?.first?.size ?? statedCount ?? 0
      return [TensorType?](
        repeating: TensorType(type.elementType, part), count: min(count, Self.limit))
    }
    return parts.map { size in
      var part = dimensions
      part[axis] = .fixed(size)
      return TensorType(type.elementType, part)
    }
  }

  private var statedCount: Int? {
    switch sizes {
    case .attribute(let list): list.count
    case .input: nil
    case .equal(let count), .parts(let count): count
    }
  }

  /// The size of each part, or `nil` where it isn't known.
  private func parts(_ inputs: [InputInfo?], size: Int?) throws(OperatorError) -> [Int]? {
    let list: [Int]
    switch sizes {
    case .attribute(let given): list = given
    case .input:
      guard let given = try inputs.integers(1) else { return nil }
      list = given
    case .equal(let count):
      guard let size else { return nil }
      guard size % count == 0 else {
        throw .mismatch(
          what: "dimension \(axis)", expected: "a multiple of \(count) outputs", actual: "\(size)")
      }
      return [Int](repeating: size / count, count: count)
    case .parts(let count):
      guard let size else { return nil }
      let part = size == 0 ? 0 : (size - 1) / count + 1
      let (whole, overflow) = part.multipliedReportingOverflow(by: count - 1)
      guard !overflow, whole <= size else {
        throw .mismatch(
          what: "dimension \(axis)", expected: "enough for \(count) parts", actual: "\(size)")
      }
      return [Int](repeating: part, count: count - 1) + [size - whole]
    }
    var total = 0
    for part in list {
      let (sum, overflow) = total.addingReportingOverflow(part)
      guard part >= 0, !overflow else {
        throw .outOfRange(what: "size of a part", value: part, allowed: "0 or more")
      }
      total = sum
    }
    if let size, total != size {
      throw .mismatch(what: "sum of the parts", expected: "\(size)", actual: "\(total)")
    }
    return list
  }
}

extension Split: DifferentiableOperator {
  /// A copy of the rows of each part.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let rows = try rows(context, try context.input(0).elementBytes())
    let wanted = context.outputs.map { $0 != nil }
    return ClosureKernel(context) { operands in
      let x = UnsafeRawPointer(operands.input(0, as: UInt8.self))
      for index in wanted.indices where wanted[index] {
        rows.forEach(part: index) { whole, part, byteCount in
          (UnsafeMutableRawPointer(operands.output(index, as: UInt8.self)) + part).copyMemory(
            from: x + whole, byteCount: byteCount)
        }
      }
    }
  }

  /// dX joins the gradients of the parts, zeros where none comes.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let input = try context.kernel.floatInput(0)
    let rows = try rows(context.kernel, MemoryLayout<Float>.size)
    return InferredTrainingKernel("split", kernel, preferred: .rowMajor) { context in
      let present = context.gradients.indices.filter { context.gradients[$0] != nil }
      return Backward(
        "split gradient", operands: present.map { .gradient($0, .rowMajor) },
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let dx = operands.output(0, as: Float.self)
        dx.update(repeating: 0, count: input.type.count)
        for (place, index) in present.enumerated() {
          let dy = UnsafeRawPointer(operands.input(place, as: UInt8.self))
          rows.forEach(part: index) { whole, part, byteCount in
            (UnsafeMutableRawPointer(dx) + whole).copyMemory(from: dy + part, byteCount: byteCount)
          }
        }
      }
    }
  }

  private func rows(_ context: KernelContext, _ elementBytes: Int) throws(KernelError) -> Rows {
    let input = try context.input(0)
    let axis = try context.normalized(self.axis, rank: input.shape.count)
    let inner = input.shape[(axis + 1)...].reduce(elementBytes, *)
    let parts = try KernelError.operation(
      try self.parts(context.inferenceInputs, size: input.shape[axis]))
    guard let parts else { throw .operator(.needsConstant(input: "split")) }
    guard parts.count >= context.outputs.count else {
      throw .operator(
        .arity(what: "outputs", expected: 1...parts.count, actual: context.outputs.count))
    }
    return Rows(
      count: input.shape[..<axis].reduce(1, *), byteCount: input.shape[axis] * inner,
      parts: parts.map { $0 * inner })
  }

  /// The tensor as rows of bytes, each of them all parts in turn.
  private struct Rows: Sendable {
    var count: Int
    var byteCount: Int
    var parts: [Int]

    /// Calls `body` with the places of each row of a part in the whole and in the part.
    func forEach(part: Int, _ body: (_ whole: Int, _ part: Int, _ byteCount: Int) -> Void) {
      let offset = parts[..<part].reduce(0, +)
      for row in 0..<count {
        body(row * byteCount + offset, row * parts[part], parts[part])
      }
    }
  }
}
