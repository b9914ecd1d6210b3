import DNNEngine
import Execution
import GraphIR
import TensorCore

/// Joins tensors along one axis (ONNX Concat, opset 4, 11, 13).
package struct Concat: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("Concat", since: 4, inputs: 1...Int.max)

  package var movement: ElementMovement? { ElementMovement(.permuted, movesAllInputs: true) }

  package var axis: Int

  package init(axis: Int) { self.axis = axis }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let axis = try attributes.int("axis") else { throw .missingAttribute(name: "axis") }
    self.axis = axis
  }

  package func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let elementType = inputs.indices.lazy.compactMap({ inputs.type($0) }).first?.elementType
    else { return [nil] }
    for index in inputs.indices {
      guard let actual = inputs.type(index)?.elementType, actual != elementType else { continue }
      throw .elementType(input: index, actual: actual, allowed: [elementType])
    }
    guard var result = inputs.dimensions(0) else { return [TensorType(elementType, nil)] }
    let axis = try Axes.normalized(axis, rank: result.count)
    for index in inputs.indices.dropFirst() {
      guard let dimensions = inputs.dimensions(index) else { return [TensorType(elementType, nil)] }
      guard dimensions.count == result.count else {
        throw .rank(input: index, expected: "\(result.count)", actual: dimensions.count)
      }
      for position in result.indices where position != axis {
        result[position] = try merge(result[position], dimensions[position], input: index, position)
      }
      if let a = result[axis].size, let b = dimensions[axis].size {
        let (sum, overflow) = a.addingReportingOverflow(b)
        guard !overflow else {
          throw .outOfRange(what: "joined dimension", value: b, allowed: "a sum below 2^63")
        }
        result[axis] = .fixed(sum)
      } else {
        result[axis] = .unknown
      }
    }
    return [TensorType(elementType, result)]
  }

  private func merge(_ a: Dimension, _ b: Dimension, input: Int, _ position: Int)
    throws(OperatorError) -> Dimension
  {
    if let x = a.size, let y = b.size, x != y {
      throw .mismatch(
        what: "dimension \(position) of input \(input)", expected: "\(x)", actual: "\(y)")
    }
    if a.size != nil || b == .unknown { return a }
    return b.size != nil || a == .unknown ? b : a
  }
}

extension Concat: DifferentiableOperator {
  /// oneDNN where all inputs stand in one of its blocked layouts without padding; otherwise a copy of
  /// rows, in the order of dimensions in which the first input stands that has no blocks.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let output = try context.output()
    let axis = try context.normalized(self.axis, rank: output.shape.count)
    if let kernel = try engineKernel(context, axis: axis) { return kernel }
    guard let bits = output.elementType.bitWidth, bits % 8 == 0 else {
      throw .operator(.unsupported(what: "element type \(output.elementType.onnxName)"))
    }
    let order = commonOrder(context) ?? Array(output.shape.indices)
    let position = order.firstIndex(of: axis) ?? 0
    let outer = order[..<position].reduce(1) { $0 * output.shape[$1] }
    let inner = order[(position + 1)...].reduce(bits / 8) { $0 * output.shape[$1] }
    var requests: [InputRequest] = []
    for index in context.inputs.indices {
      requests.append(.layout(try layout(try context.input(index).type, order)))
    }
    let rows = try JoinedRows(context, outer: outer, inner: inner, axis: axis)
    return ClosureKernel(inputs: requests, outputs: [try layout(output, order)]) { operands in
      rows.join(operands)
    }
  }

  /// Each dX is the part of dY that it was copied to, in the layout in which the input was read.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let output = try context.kernel.output()
    let axis = try context.kernel.normalized(self.axis, rank: output.shape.count)
    let layout = kernel.outputs[0]
    // Around the axis, memory of any of these layouts is rows of which each input has a part.
    let (nest, found) = try KernelInput(type: output, layout: layout).nest(around: axis)
    guard found == layout else {
      throw .operator(.unsupported(what: "the gradient of joined tensors in such a layout"))
    }
    let isInnermost = nest.outer == 1 && nest.blocks == 1 && nest.block == nest.count
    let outer = isInnermost ? nest.inner : nest.outer
    let size = MemoryLayout<Float>.size
    let rows = try JoinedRows(
      context.kernel, outer: outer,
      inner: outer == 0 || output.shape[axis] == 0
        ? 0 : output.count / outer / output.shape[axis] * size,
      axis: axis)
    return InferredTrainingKernel("join", kernel, preferred: layout) { context in
      var results: [Backward.Result] = []
      for (index, request) in kernel.inputs.enumerated() where context.wanted[index] {
        if case .layout(let own) = request {
          results.append(Backward.Result(input: index, layout: own))
        }
      }
      let inputs = results.map(\.input)
      return Backward(
        "join gradient", operands: [.gradient(0, layout)], results: results
      ) { operands in rows.split(operands, into: inputs) }
    }
  }

  private func commonOrder(_ context: KernelContext) -> [Int]? {
    for case let input? in context.inputs {
      if case .engine(let descriptor) = input.layout, let order = descriptor.order { return order }
    }
    return nil
  }

  private func layout(_ type: ConcreteType, _ order: [Int]) throws(KernelError) -> TensorLayout {
    guard order != order.sorted(), let element = EngineElement(type.elementType) else {
      return .rowMajor
    }
    return try KernelError.engine(
      TensorLayout(try MemoryDescriptor(shape: type.shape, order: order, element)))
  }

  private func engineKernel(_ context: KernelContext, axis: Int) throws(KernelError)
    -> (any Kernel)?
  {
    var sources: [MemoryDescriptor] = []
    for case let input? in context.inputs {
      guard case .engine(let descriptor) = input.layout, input.type.count > 0,
        descriptor.strides == nil, descriptor.denseCount != nil, !descriptor.hasPadding
      else { return nil }
      sources.append(descriptor)
    }
    guard sources.count == context.inputs.count else { return nil }
    let (primitive, target) = try KernelError.engine { () throws(EngineError) in
      let primitive = try PrimitiveDescriptor.concatenation(context.engine, sources, axis: axis)
      return (primitive, try primitive.layout(of: .destination))
    }
    if primitive.isReference { return nil }
    var operands: [(Argument, MemoryDescriptor, PrimitiveKernel.Source)] = []
    for (index, source) in sources.enumerated() {
      operands.append((.joined(index), source, .input(index)))
    }
    operands.append((.destination, target, .output(0)))
    return try PrimitiveKernel(
      primitive, operands, inputs: sources.map { .layout(.engine($0)) },
      outputs: [TensorLayout(target)])
  }
}

extension Concat: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    var result: [Dimension] = []
    for index in inputs.indices {
      guard inputs.dimensions(index)?.count == 1, let part = inputs.vector(index) else {
        return nil
      }
      result += part
    }
    return result
  }
}
