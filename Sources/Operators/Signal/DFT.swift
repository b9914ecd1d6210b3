import Execution
import GraphIR
import TensorCore

/// Discrete Fourier transforms along an axis (ONNX DFT, opset 17, 20).
///
/// The last axis of input and output holds real numbers (1) or real and imaginary parts (2). An optional length cuts the
/// axis or fills it with zeros. With `onesided` the output has the first half of the frequencies alone, which tell the rest
/// for real input. The axis is an attribute before opset 20 and an input since.
package struct DFT: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "DFT", since: 17, inputs: 1...3, inputTypes: [.float, .index, .index])

  package enum Axis: Sendable, Hashable {
    case attribute(Int)
    /// The third input, by default the last axis of the signal.
    case input
  }

  package var axis: Axis
  package var isInverse: Bool
  package var isOneSided: Bool

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = attributes.opset < 20 ? .attribute(try attributes.int("axis", default: 1)) : .input
    isInverse = try attributes.bool("inverse", default: false)
    isOneSided = try attributes.bool("onesided", default: false)
  }

  package func attributes() -> [Attribute] {
    var attributes = [
      Attribute("inverse", .int(isInverse ? 1 : 0)),
      Attribute("onesided", .int(isOneSided ? 1 : 0)),
    ]
    if case .attribute(let axis) = axis { attributes.append(Attribute("axis", .int(Int64(axis)))) }
    return attributes
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    guard opsets.crosses(20), case .attribute(let named) = axis else { return nil }
    graph.setInput(node, 2, toConstant: Tensor(scalar: Int64(named)), "_axis")
    var raised = self
    raised.axis = .input
    graph[node].op = raised
    return "the axis as an input"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard !isInverse || !isOneSided else {
      throw .unsupported(what: "an inverse transform of one side")
    }
    guard let type = inputs.type(0) else { return [nil] }
    _ = try inputs.requireRank(0, atLeast: 2)
    guard var dimensions = type.dimensions, let axis = try signalAxis(inputs) else {
      return [TensorType(type.elementType, nil)]
    }
    try Self.checkParts(dimensions)
    if let length = try length(inputs, dimensions, axis) {
      dimensions[axis] = .fixed(isOneSided ? length / 2 + 1 : length)
    } else {
      dimensions[axis] = .unknown
    }
    dimensions[dimensions.count - 1] = .fixed(2)
    return [TensorType(type.elementType, dimensions)]
  }

  static func checkParts(_ dimensions: [Dimension]) throws(OperatorError) {
    guard let parts = dimensions.last?.size, parts != 1, parts != 2 else { return }
    throw .mismatch(
      what: "numbers of the last axis", expected: "1 (real) or 2 (complex)", actual: "\(parts)")
  }

  /// `nil` where it is computed.
  private func signalAxis(_ inputs: [InputInfo?]) throws(OperatorError) -> Int? {
    let rank = inputs.dimensions(0)?.count ?? 0
    var named = -2
    switch axis {
    case .attribute(let axis): named = axis
    case .input where !inputs.isPresent(2): break
    case .input:
      guard let constant = try inputs.integers(2) else { return nil }
      guard constant.count == 1 else {
        throw .mismatch(what: "elements of axis", expected: "1", actual: "\(constant.count)")
      }
      named = constant[0]
    }
    let axis = try Axes.normalized(named, rank: rank)
    guard axis < rank - 1 else {
      throw .outOfRange(what: "axis", value: named, allowed: "any but the last one")
    }
    return axis
  }

  /// Of the transform; `nil` where it isn't known.
  private func length(_ inputs: [InputInfo?], _ dimensions: [Dimension], _ axis: Int)
    throws(OperatorError) -> Int?
  {
    guard inputs.isPresent(1) else {
      guard dimensions[axis].size != 0 else {
        throw .outOfRange(what: "length of the signal", value: 0, allowed: "1 or more")
      }
      return dimensions[axis].size
    }
    guard let given = try inputs.integers(1) else { return nil }
    guard given.count == 1, (1...Dimensions.limit).contains(given[0]) else {
      throw .mismatch(what: "dft_length", expected: "one size of at least 1", actual: "\(given)")
    }
    return given[0]
  }

  /// The axis and the length of the transform.
  private func geometry(_ inputs: [InputInfo?]) throws(OperatorError) -> (axis: Int, length: Int) {
    guard let dimensions = inputs.dimensions(0), let axis = try signalAxis(inputs),
      let length = try length(inputs, dimensions, axis)
    else { throw .needsConstant(input: "dft_length or axis") }
    return (axis, length)
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let shape = try context.floatInput(0).shape
    let results = try context.output().shape
    let inputs = context.inferenceInputs
    let (axis, length) = try KernelError.operation(try geometry(inputs))
    let parts = shape[shape.count - 1]
    let inner = shape[(axis + 1)..<(shape.count - 1)].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    let (count, kept) = (min(shape[axis], length), results[axis])
    let size = shape[axis]
    let transform = FourierTransform(length: length)
    let isInverse = isInverse
    return ClosureKernel(context) { operands in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      Parallelism.forEachRange(count: outer * inner) { lines in
        for line in lines {
          let (row, column) = line.quotientAndRemainder(dividingBy: max(inner, 1))
          var values = [FourierTransform.Complex](repeating: .zero, count: length)
          for k in 0..<count {
            let place = ((row * size + k) * inner + column) * parts
            values[k].re = Double(x[place])
            if parts == 2 { values[k].im = Double(x[place + 1]) }
          }
          transform.run(&values, isInverse: isInverse)
          for k in 0..<kept {
            let place = ((row * kept + k) * inner + column) * 2
            y[place] = Float(values[k].re)
            y[place + 1] = Float(values[k].im)
          }
        }
      }
    }
  }
}
