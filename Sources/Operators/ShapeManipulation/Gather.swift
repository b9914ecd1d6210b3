import GraphIR
import TensorCore

/// Slices of `data` along `axis` at `indices` (ONNX Gather, opset 1, 11, 13).
///
/// The output's shape is the data's with `axis` replaced by the shape of the indices; negative indices
/// count from the end.
public struct Gather: ExecutableOperator {
  public static let schema = OperatorSchema(
    "Gather", since: 1, inputs: 2...2, inputTypes: [.any, .anyIndex])

  public var axis: Int

  public init(axis: Int = 0) { self.axis = axis }

  public init(attributes: AttributeReader) throws(OperatorError) {
    axis = try attributes.int("axis", default: 0)
  }

  public func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let data = inputs.type(0) else { return [nil] }
    guard let dimensions = data.dimensions else { return [TensorType(data.elementType, nil)] }
    guard !dimensions.isEmpty else { throw .rank(input: 0, expected: "at least 1", actual: 0) }
    let axis = try Axes.normalized(axis, rank: dimensions.count)
    guard let indices = inputs.dimensions(1) else { return [TensorType(data.elementType, nil)] }
    return [
      TensorType(
        data.elementType, Array(dimensions[..<axis]) + indices + dimensions[(axis + 1)...])
    ]
  }
}

extension Gather {
  /// A copy of one block an index.
  ///
  /// An index outside the axis is refused when the kernel runs.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let indices = try context.input(1)
    switch indices.elementType {
    case .int32: return try kernel(context, Int32.self)
    case .int64: return try kernel(context, Int64.self)
    case let other:
      throw .operator(.elementType(input: 1, actual: other, allowed: .anyIndex))
    }
  }

  private func kernel<Index: TensorElement & FixedWidthInteger>(
    _ context: KernelContext, _ type: Index.Type
  ) throws(KernelError) -> any Kernel {
    let data = try context.input(0)
    guard let bits = data.elementType.bitWidth, bits % 8 == 0 else {
      throw .operator(.unsupported(what: "element type \(data.elementType.onnxName)"))
    }
    let axis = try context.normalized(self.axis, rank: data.shape.count)
    let count = try context.input(1).type.count
    let size = data.shape[axis]
    let outer = data.shape[..<axis].reduce(1, *)
    let inner = data.shape[(axis + 1)...].reduce(1, *) * (bits / 8)
    return ClosureKernel(context) { (operands) throws(KernelError) in
      let x = operands.input(0, as: UInt8.self)
      let indices = operands.input(1, as: Index.self)
      var y = operands.output(as: UInt8.self)
      for row in 0..<outer {
        for position in 0..<count {
          let given = Int(indices[position])
          guard let index = Shape.normalizedAxis(given, rank: size) else {
            throw .operator(
              .outOfRange(what: "index", value: given, allowed: "\(-size)..<\(size)"))
          }
          y.update(from: x + (row * size + index) * inner, count: inner)
          y += inner
        }
      }
    }
  }
}
