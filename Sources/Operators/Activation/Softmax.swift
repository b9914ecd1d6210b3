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

extension Softmax: DifferentiableOperator {
  /// oneDNN in row-major order.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let (layout, axis) = try rows(context)
    let primitive = try KernelError.engine { () throws(EngineError) in
      try PrimitiveDescriptor.softmax(context.engine, layout, axis: axis)
    }
    return try PrimitiveKernel(
      primitive, [(.source, layout, .input(0)), (.destination, layout, .output(0))],
      inputs: context.rowMajorInputs, outputs: [.rowMajor], overwritableInput: 0)
  }

  /// dX = y (dY - s), with s the sum of dY y along the axis.
  public func makeTrainingKernel(_ context: TrainingContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let (layout, axis) = try rows(context.kernel)
    return InferredTrainingKernel("softmax", kernel, preferred: .rowMajor) {
      (_) throws(KernelError) in
      let primitive = try KernelError.engine { () throws(EngineError) in
        try Primitive(
          PrimitiveDescriptor.softmaxGradient(context.engine, layout, axis: axis),
          [(.destination, layout), (.destinationGradient, layout), (.sourceGradient, layout)])
      }
      return Backward(
        "softmax gradient", operands: [.output(0), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { (operands) throws(KernelError) in
        try KernelError.engine { () throws(EngineError) in
          try primitive.point(0, at: operands.inputs[0])
          try primitive.point(1, at: operands.inputs[1])
          try primitive.point(2, at: operands.outputs[0])
          try primitive.run()
        }
      }
    }
  }

  /// The input as oneDNN sees it, and the axis of the sum there.
  private func rows(_ context: KernelContext) throws(KernelError) -> (MemoryDescriptor, Int) {
    var shape = try context.floatInput(0).shape
    var axis = self.axis
    if flattens {
      let split = axis < 0 ? axis + shape.count : axis
      shape = [shape[..<split].reduce(1, *), shape[split...].reduce(1, *)]
      axis = 1
    } else {
      axis = try context.normalized(axis, rank: shape.count)
    }
    let layout = try KernelError.engine { [shape] () throws(EngineError) in
      try MemoryDescriptor(rowMajor: shape)
    }
    return (layout, axis)
  }
}
