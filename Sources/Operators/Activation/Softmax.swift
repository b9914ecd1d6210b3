import DNNEngine
import GraphIR
import TensorCore

/// `y = exp(x) / sum(exp(x))` (ONNX Softmax, opset 1, 11, 13).
///
/// Since opset 13 the sum runs over `axis`. Before, the input is taken as a matrix whose rows hold all
/// dimensions from `axis` on, and the sum runs over a row.
public struct Softmax: ExecutableOperator {
  public static let schema = OperatorSchema(
    "Softmax", since: 1, inputs: 1...1, inputTypes: [.float])

  public var axis: Int
  /// True for the semantics before opset 13.
  public var flattens: Bool

  public init(axis: Int = -1, flattens: Bool = false) {
    self.axis = axis
    self.flattens = flattens
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    flattens = attributes.opset < 13
    axis = try attributes.int("axis", default: flattens ? 1 : -1)
  }

  public func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    // A vector under the flattening form's default axis of 1 is a single column.
    if let rank = inputs.dimensions(0)?.count, !(flattens && axis == rank) {
      _ = try Axes.normalized(axis, rank: rank)
    }
    return [inputs.type(0)]
  }
}

extension Softmax {
  /// oneDNN in row-major order.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.floatInput(0)
    var shape = input.shape
    var axis = self.axis
    if flattens {
      let split = axis < 0 ? axis + shape.count : axis
      shape = [shape[..<split].reduce(1, *), shape[split...].reduce(1, *)]
      axis = 1
    } else {
      axis = try context.normalized(axis, rank: shape.count)
    }
    let (primitive, layout) = try KernelError.engine { [shape, axis] () throws(EngineError) in
      let layout = try MemoryDescriptor(rowMajor: shape)
      return (try PrimitiveDescriptor.softmax(context.engine, layout, axis: axis), layout)
    }
    return try PrimitiveKernel(
      primitive, [(.source, layout, .input(0)), (.destination, layout, .output(0))],
      inputs: context.rowMajorInputs, outputs: [.rowMajor], overwritableInput: 0)
  }
}
