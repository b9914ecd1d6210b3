import DNNEngine
import GraphIR
import TensorCore

/// Joins tensors along one axis (ONNX Concat, opset 4, 11, 13).
public struct Concat: ExecutableOperator {
  public static let schema = OperatorSchema("Concat", since: 4, inputs: 1...Int.max)

  public var axis: Int

  public init(axis: Int) { self.axis = axis }

  public init(attributes: AttributeReader) throws(OperatorError) {
    guard let axis = try attributes.int("axis") else { throw .missingAttribute(name: "axis") }
    self.axis = axis
  }

  public func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
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

extension Concat {
  /// oneDNN where all inputs stand in one of its layouts without padding, otherwise a copy in row-major
  /// order.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let output = try context.output()
    let axis = try context.normalized(self.axis, rank: output.shape.count)
    if let kernel = try engineKernel(context, axis: axis) { return kernel }
    guard let bits = output.elementType.bitWidth, bits % 8 == 0 else {
      throw .operator(.unsupported(what: "element type \(output.elementType.onnxName)"))
    }
    let outer = output.shape[..<axis].reduce(1, *)
    let inner = output.shape[(axis + 1)...].reduce(1, *) * (bits / 8)
    var pieces: [(input: Int, byteCount: Int)] = []
    for index in context.inputs.indices {
      let byteCount = try context.input(index).shape[axis] * inner
      if byteCount > 0 { pieces.append((index, byteCount)) }
    }
    return ClosureKernel(context) { [pieces] operands in
      var y = operands.output(as: UInt8.self)
      for row in 0..<outer {
        for piece in pieces {
          y.update(
            from: operands.input(piece.input, as: UInt8.self) + row * piece.byteCount,
            count: piece.byteCount)
          y += piece.byteCount
        }
      }
    }
  }

  private func engineKernel(_ context: KernelContext, axis: Int) throws(KernelError)
    -> (any Kernel)?
  {
    var sources: [MemoryDescriptor] = []
    for case let input? in context.inputs {
      guard case .engine(let descriptor) = input.layout, input.type.count > 0,
        descriptor.denseCount != nil, !descriptor.hasPadding
      else { return nil }
      sources.append(descriptor)
    }
    guard sources.count == context.inputs.count else { return nil }
    let (primitive, target) = try KernelError.engine { [sources] () throws(EngineError) in
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
