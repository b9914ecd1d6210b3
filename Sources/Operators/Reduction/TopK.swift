import Execution
import GraphIR
import TensorCore

/// The k largest or smallest elements along an axis, and their positions (ONNX TopK, opset 1, 10, 11, 24).
///
/// `k` is an attribute before opset 10, a constant input since. Equal elements come in the order of the input.
package struct TopK: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "TopK", since: 1, inputs: 1...2, outputs: 1...2, inputTypes: [.numeric, .index])

  package var axis: Int
  /// `nil` where it is an input.
  package var k: Int?
  package var findsLargest: Bool
  package var isSorted: Bool

  package init(axis: Int = -1, k: Int? = nil, findsLargest: Bool = true, isSorted: Bool = true) {
    self.axis = axis
    self.k = k
    self.findsLargest = findsLargest
    self.isSorted = isSorted
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      axis: try attributes.int("axis", default: -1),
      findsLargest: try attributes.bool("largest", default: true),
      isSorted: try attributes.bool("sorted", default: true))
    guard attributes.opset < 10 else { return }
    guard let k = try attributes.int("k") else { throw .missingAttribute(name: "k") }
    self.k = k
  }

  package func attributes() -> [Attribute] {
    var result = [Attribute("axis", .int(Int64(axis)))]
    if let k { result.append(Attribute("k", .int(Int64(k)))) }
    if !findsLargest { result.append(Attribute("largest", .int(0))) }
    if !isSorted { result.append(Attribute("sorted", .int(0))) }
    return result
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    guard opsets.crosses(10), let k else { return nil }
    graph.setInput(node, 1, toIntegers: [k], "_k")
    graph[node].op = TopK(axis: axis, findsLargest: findsLargest, isSorted: isSorted)
    return "k as an input"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil, TensorType(.int64, nil)] }
    guard var dimensions = type.dimensions else {
      return [TensorType(type.elementType, nil), TensorType(.int64, nil)]
    }
    let axis = try Axes.normalized(axis, rank: dimensions.count)
    let given = try inputs.integers(1)?.first
    if let k = k ?? given {
      guard k >= 0, k <= dimensions[axis].size ?? .max else {
        throw .outOfRange(
          what: "k", value: k, allowed: "0 to the size of axis \(axis), \(dimensions[axis])")
      }
      dimensions[axis] = .fixed(k)
    } else {
      dimensions[axis] = .unknown
    }
    return [TensorType(type.elementType, dimensions), TensorType(.int64, dimensions)]
  }
}

extension TopK: DifferentiableOperator {
  /// Sorts each line; what isn't asked to be sorted comes sorted too.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    if try context.input(0).elementType == .float32 { return try kernel(Float.self, context) }
    return try kernel(try context.number(0), context)
  }

  private func kernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    let (lines, results) = try lines(context)
    let givesValues = context.outputs[0] != nil
    let givesPositions = context.outputs.count > 1 && context.outputs[1] != nil
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: T.self)
      let values = givesValues ? operands.output(0, as: T.self) : nil
      let positions = givesPositions ? operands.output(1, as: Int64.self) : nil
      lines.forEachRange(sharing: x, values, positions) { range, x, values, positions in
        for line in range {
          let start = lines.start(line)
          let order = order(lines, x, start)
          let target = results.start(line)
          for rank in 0..<results.length {
            let place = target + rank * results.stride
            values?[place] = x[start + order[rank] * lines.stride]
            positions?[place] = Int64(order[rank])
          }
        }
      }
    }
  }

  /// The positions of a line, the best first.
  private func order<T: Number>(_ lines: AxisLines, _ x: UnsafePointer<T>, _ start: Int) -> [Int] {
    (0..<lines.length).sorted {
      let (a, b) = (x[start + $0 * lines.stride], x[start + $1 * lines.stride])
      if a != b { return findsLargest ? a > b : a < b }
      return $0 < $1
    }
  }

  /// The lines of the input and of the outputs.
  private func lines(_ context: KernelContext) throws(KernelError) -> (AxisLines, AxisLines) {
    let shape = try context.input(0).shape
    let axis = try context.normalized(axis, rank: shape.count)
    let results = context.outputs.lazy.compactMap { $0 }.first?.shape ?? shape
    return (AxisLines(shape, axis: axis), AxisLines(results, axis: axis))
  }

  /// dX is dY at the elements that were chosen, 0 elsewhere.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let count = try context.kernel.floatInput(0).type.count
    let (lines, results) = try lines(context.kernel)
    return InferredTrainingKernel("selection", kernel, preferred: .rowMajor) { _ in
      Backward(
        "selection gradient", operands: [.input(0, .rowMajor), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let (x, dy) = (
          operands.input(0, as: Float.self), operands.input(1, as: Float.self)
        )
        let dx = operands.output(as: Float.self)
        dx.update(repeating: 0, count: count)
        lines.forEachRange(sharing: x, dy, dx) { range, x, dy, dx in
          for line in range {
            let start = lines.start(line)
            let order = order(lines, x, start)
            let source = results.start(line)
            for rank in 0..<results.length {
              dx[start + order[rank] * lines.stride] = dy[source + rank * results.stride]
            }
          }
        }
      }
    }
  }
}
