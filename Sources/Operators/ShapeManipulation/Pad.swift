import Execution
import GraphIR
import TensorCore

/// Pads a tensor at both ends of its axes (ONNX Pad, opset 2, 11, 13, 18, 19 to 25).
///
/// Pads and value are attributes before opset 11 and inputs since; `axes` is an input since opset 18.
/// Negative pads crop.
package struct Pad: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Pad", since: 2, inputs: 1...4, inputTypes: [.any, .index, .any, .anyIndex])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool {
    guard operands.first, mode == .constant else { return operands.first }
    return switch widths {
    case .attributes(_, let value): value >= 0
    case .inputs: operands.count < 3 || operands.isNonNegative(2)
    }
  }

  package enum Mode: String, Sendable, Hashable, CaseIterable {
    case constant, reflect, edge, wrap
  }

  /// Where the widths come from.
  package enum Widths: Sendable, Hashable {
    /// All begins, then all ends, and the constant to fill with.
    case attributes(pads: [Int], value: Float)
    case inputs
  }

  package var mode: Mode
  package var widths: Widths

  package init(mode: Mode = .constant, widths: Widths = .inputs) {
    self.mode = mode
    self.widths = widths
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    let name = try attributes.string("mode", default: Mode.constant.rawValue)
    guard let mode = Mode(rawValue: name) else {
      throw .attributeValue(
        name: "mode", value: name,
        allowed: Mode.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.mode = mode
    guard attributes.opset < 11 else {
      widths = .inputs
      return
    }
    guard let pads = try attributes.ints("pads") else { throw .missingAttribute(name: "pads") }
    widths = .attributes(pads: pads, value: try attributes.float("value", default: 0))
  }

  package func attributes() -> [Attribute] {
    var result = [Attribute("mode", .string(mode.rawValue))]
    if case .attributes(let pads, let value) = widths {
      result.append(Attribute("pads", .ints(pads.map(Int64.init))))
      result.append(Attribute("value", .float(value)))
    }
    return result
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    guard opsets.crosses(11), case .attributes(let pads, let value) = widths else { return nil }
    let scalar = try graph.scalar(value, likeInputOf: node)
    graph.setInput(node, 1, toIntegers: pads, "_pads")
    graph.setInput(node, 2, toConstant: scalar, "_value")
    graph[node].op = Pad(mode: mode)
    return "pads as an input"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let data = inputs.type(0) else { return [nil] }
    guard var dimensions = data.dimensions else { return [TensorType(data.elementType, nil)] }
    guard let pads = try resolvedPads(inputs, rank: dimensions.count) else {
      return [
        TensorType(data.elementType, [Dimension](repeating: .unknown, count: dimensions.count))
      ]
    }
    for axis in dimensions.indices {
      let (begin, end) = (pads[axis], pads[axis + dimensions.count])
      if begin == 0, end == 0 { continue }
      guard let size = dimensions[axis].size else {
        dimensions[axis] = .unknown
        continue
      }
      guard size <= Dimensions.limit, size + begin + end >= 0 else {
        throw .outOfRange(what: "padded dimension \(axis)", value: begin, allowed: "0 or more")
      }
      dimensions[axis] = .fixed(size + begin + end)
    }
    return [TensorType(data.elementType, dimensions)]
  }

  /// Begins of all axes, then ends of all axes; `nil` where an input isn't constant.
  func resolvedPads(_ inputs: [InputInfo?], rank: Int) throws(OperatorError) -> [Int]? {
    let given: [Int]
    var axes = Array(0..<rank)
    switch widths {
    case .attributes(let pads, _): given = pads
    case .inputs:
      guard inputs.isPresent(1) else { throw .missingInput(index: 1, name: "pads") }
      guard let pads = try inputs.integers(1) else { return nil }
      given = pads
      if inputs.isPresent(3) {
        guard let named = try inputs.integers(3) else { return nil }
        axes = []
        for axis in named { axes.append(try Axes.normalized(axis, rank: rank)) }
      }
    }
    guard given.count == 2 * axes.count else {
      throw .mismatch(
        what: "number of pads", expected: "\(2 * axes.count)", actual: "\(given.count)")
    }
    for pad in given where pad.magnitude > Dimensions.limit {
      throw .outOfRange(what: "pad", value: pad, allowed: "a magnitude up to 2^40")
    }
    var result = [Int](repeating: 0, count: 2 * rank)
    for (position, axis) in axes.enumerated() {
      result[axis] = given[position]
      result[axis + rank] = given[position + axes.count]
    }
    return result
  }
}

extension Pad: DifferentiableOperator {
  /// A copy by a table of source positions for each axis; pads must be constant.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let sources = try sources(context)
    switch try context.input(0).elementBytes() {
    case 1: return try kernel(context, sources, UInt8.self)
    case 2: return try kernel(context, sources, UInt16.self)
    case 4: return try kernel(context, sources, UInt32.self)
    case 8: return try kernel(context, sources, UInt64.self)
    default:
      let type = try context.input(0).elementType
      throw .operator(.unsupported(what: "Pad of \(type.onnxName)"))
    }
  }

  /// dX sums dY over the places that an element was copied to; the fill value must be constant.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let input = try context.kernel.floatInput(0)
    let rows = PaddedRows(sources: try sources(context.kernel), input: input.shape)
    let count = input.type.count
    return InferredTrainingKernel("pad", kernel, preferred: .rowMajor) { _ in
      Backward(
        "pad gradient", operands: [.gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let (dy, dx) = (operands.input(0, as: Float.self), operands.output(as: Float.self))
        dx.update(repeating: 0, count: count)
        rows.forEach { target, source in
          if let source { dx[source] += dy[target] }
        }
      }
    }
  }

  /// The source positions along each axis.
  private func sources(_ context: KernelContext) throws(KernelError) -> [[Int]] {
    let shape = try context.input(0).shape
    let output = try context.output()
    let pads = try KernelError.operation(
      try resolvedPads(context.inferenceInputs, rank: shape.count))
    guard let pads else { throw .operator(.needsConstant(input: "pads")) }
    var sources: [[Int]] = []
    for axis in shape.indices {
      sources.append(
        try sourcePositions(begin: pads[axis], size: shape[axis], count: output.shape[axis]))
    }
    return sources
  }

  /// The input position for each output position along an axis, -1 for the fill value.
  private func sourcePositions(begin: Int, size: Int, count: Int) throws(KernelError) -> [Int] {
    if size == 0, mode != .constant, count > 0 {
      throw .operator(.unsupported(what: "mode \(mode.rawValue) on an empty axis"))
    }
    return (0..<count).map { output in
      let position = output - begin
      if (0..<size).contains(position) { return position }
      switch mode {
      case .constant: return -1
      case .edge: return position < 0 ? 0 : size - 1
      case .wrap: return ((position % size) + size) % size
      case .reflect:
        if size == 1 { return 0 }
        let period = 2 * (size - 1)
        let folded = ((position % period) + period) % period
        return folded < size ? folded : period - folded
      }
    }
  }

  /// - Parameter type: of the size of an element, for its bits.
  private func kernel<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ context: KernelContext, _ sources: [[Int]], _ type: Bits.Type
  ) throws(KernelError) -> any Kernel {
    let data = try context.input(0)
    let rows = PaddedRows(sources: sources, input: data.shape)
    var fill = Bits.zero
    var hasFill = false
    switch widths {
    case .attributes(_, let value):
      withUnsafeMutableBytes(of: &fill) {
        guard let base = $0.baseAddress else { return }
        ElementCodec(data.elementType)?.store(.real(Double(value)), base, 0)
      }
    case .inputs:
      guard let value = context.optional(2) else { break }
      guard value.elementType == data.elementType, value.type.count == 1 else {
        throw .operator(
          .elementType(input: 2, actual: value.elementType, allowed: [data.elementType]))
      }
      hasFill = true
    }
    return ClosureKernel(context) { [fill, hasFill] operands in
      let (x, y) = (operands.input(0, as: Bits.self), operands.output(as: Bits.self))
      let fill = hasFill ? operands.input(2, as: Bits.self)[0] : fill
      rows.forEach { target, source in y[target] = source.map { x[$0] } ?? fill }
    }
  }
}
