import CKernels
import DNNEngine
import Execution
import GraphIR
import Synchronization
import TensorCore

/// `y = exp(x) / sum(exp(x))`, NaN all along the axis where a sum isn't a number (ONNX Softmax, opset 1, 11, 13).
package struct Softmax: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Softmax", since: 1, inputs: 1...1, inputTypes: [.float])

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    OutputRange(minimum: 0, maximum: 1)
  }

  package var givesProbabilities: Bool { true }

  package var axis: SoftmaxAxis

  package init(axis: Int = -1) { self.axis = SoftmaxAxis(axis) }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = try SoftmaxAxis(attributes: attributes)
  }

  package func attributes() -> [Attribute] { axis.attributes }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    axis.raise(node, in: &graph, across: opsets) { Softmax(axis: $0) }
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try axis.infer(inputs)
  }
}

extension Softmax: DifferentiableOperator {
  /// oneDNN in row-major order, which gives NaN only here and there in lines with NaN or infinity.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let product = try primitiveKernel(context)
    let lines = try axis.lines(context)
    let total = lines.count * lines.length
    return ClosureKernel(
      inputs: product.inputs, outputs: product.outputs, overwritableInput: 0
    ) { (operands) throws(KernelError) in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      let isRegular = Atomic(true)
      Parallelism.forEachRange(count: total, grain: MemoryDescriptor.AxisNest.grain) {
        if snug_all_below_infinity(x + $0.lowerBound, $0.count) == 0 {
          isRegular.store(false, ordering: .relaxed)
        }
      }
      let undefined = isRegular.load(ordering: .relaxed) ? [] : lines.undefined(x)
      try product.forward(operands)
      let y = operands.output(as: Float.self)
      for start in undefined {
        for i in 0..<lines.length { y[start + i * lines.stride] = .nan }
      }
    }
  }

  private func primitiveKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let (layout, axis) = try rows(context)
    let primitive = try KernelError.engine(
      try PrimitiveDescriptor.softmax(context.engine, layout, axis: axis))
    return try PrimitiveKernel(
      primitive, [(.source, layout, .input(0)), (.destination, layout, .output(0))],
      inputs: context.rowMajorInputs, outputs: [.rowMajor], overwritableInput: 0)
  }

  /// dX = y (dY - s), with s the sum of dY y along the axis.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let (layout, axis) = try rows(context.kernel)
    return InferredTrainingKernel("softmax", kernel, preferred: .rowMajor) {
      (_) throws(KernelError) in
      let primitive = try KernelError.engine(
        try Primitive(
          PrimitiveDescriptor.softmaxGradient(context.engine, layout, axis: axis),
          [(.destination, layout), (.destinationGradient, layout), (.sourceGradient, layout)]))
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
    var axis = self.axis.axis
    if self.axis.flattens {
      let lines = try self.axis.lines(context)
      shape = [lines.count, lines.length]
      axis = 1
    } else {
      axis = try context.normalized(axis, rank: shape.count)
    }
    return (try KernelError.engine(try MemoryDescriptor(rowMajor: shape)), axis)
  }
}

extension AxisLines {
  /// Where the lines begin that hold NaN or positive infinity.
  fileprivate func undefined(_ x: UnsafePointer<Float>) -> [Int] {
    (0..<count).map(start).filter { start in
      !(0..<length).allSatisfy { x[start + $0 * stride] < .infinity }
    }
  }
}
