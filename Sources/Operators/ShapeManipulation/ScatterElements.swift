import Execution
import GraphIR
import TensorCore

/// The data with single elements updated: `y[i, indices[i, j, ...], ...] = updates[i, j, ...]` with the index
/// along `axis` (ONNX ScatterElements, opset 11, 13, 16, 18; Scatter, opset 9).
///
/// `reduction` (opset 16; `max`, `min` opset 18) joins an update with what stands at its place. Updates of
/// one place are applied in row-major order.
package struct ScatterElements: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "ScatterElements", since: 11, inputs: 3...3, inputTypes: [.any, .anyIndex, .any])

  package var axis: Int
  package var reduction: ScatterReduction
  /// Whether the file has the operator under the name that opset 11 retired.
  package var isNamedScatter = false

  package var type: String { isNamedScatter ? Self.formerType : Self.schema.type }
  /// The operator's name before opset 11.
  static let formerType = "Scatter"

  package init(axis: Int = 0, reduction: ScatterReduction = .replace) {
    self.axis = axis
    self.reduction = reduction
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = try attributes.int("axis", default: 0)
    reduction =
      attributes.opset < 16 ? .replace : try ScatterReduction(attributes: attributes)
  }

  package func attributes() -> [Attribute] {
    [Attribute("axis", .int(Int64(axis)))] + reduction.attributes
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    guard isNamedScatter, opsets.crosses(11) else { return nil }
    graph[node].op = ScatterElements(axis: axis, reduction: reduction)
    return "ScatterElements"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let expected = try ElementIndexing.infer(inputs, axis: axis)
    try Scatter.check(updates: inputs.type(2), expected)
    return [inputs.type(0)]
  }
}

extension ScatterElements: DifferentiableOperator {
  /// A copy of the data, then one element an index; an index outside the axis is refused when the kernel runs.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let data = try context.input(0)
    let byteCount = try data.elementBytes() * data.type.count
    let places = try ElementIndexing(context, axis: axis)
    let put = try reduction.body(data)
    return ClosureKernel(context, overwritableInput: 0) { (operands) throws(KernelError) in
      let y = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
      Scatter.copy(operands, byteCount)
      let updates = UnsafeRawPointer(operands.input(2, as: UInt8.self))
      try places.forEach(operands.input(1, as: UInt8.self)) { put(y, $1, updates, $0, 1) }
    }
  }

  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let places = try ElementIndexing(context.kernel, axis: axis)
    let count = try context.kernel.floatInput(0).type.count
    return InferredTrainingKernel("scatter elements", kernel, preferred: .rowMajor) {
      (context) throws(KernelError) in
      try reduction.backward(context, dataCount: count, count: 1) {
        (indices, body) throws(KernelError) in try places.forEach(indices, body)
      }
    }
  }
}
