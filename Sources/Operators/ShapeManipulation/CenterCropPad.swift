import Execution
import GraphIR
import TensorCore

/// Crops or pads axes to the sizes that the second input gives, as much at both ends; an odd element more is cut off, or
/// padded with zero, at the end (ONNX CenterCropPad, opset 18).
///
/// `axes` names the axes that the sizes belong to, by default all.
package struct CenterCropPad: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "CenterCropPad", since: 18, inputs: 2...2, inputTypes: [.any, .anyIndex])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  /// `nil` for all.
  package var axes: [Int]?

  package init(axes: [Int]? = nil) { self.axes = axes }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axes = try attributes.ints("axes")
  }

  package func attributes() -> [Attribute] {
    axes.map { [Attribute("axes", .ints($0.map(Int64.init)))] } ?? []
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard var dimensions = type.dimensions else { return [TensorType(type.elementType, nil)] }
    let axes = try resolvedAxes(rank: dimensions.count)
    guard let sizes = try inputs.integers(1) else {
      for axis in axes { dimensions[axis] = .unknown }
      return [TensorType(type.elementType, dimensions)]
    }
    guard sizes.count == axes.count else {
      throw .arity(what: "sizes", expected: axes.count...axes.count, actual: sizes.count)
    }
    for (axis, size) in zip(axes, sizes) {
      guard (0...Dimensions.limit).contains(size) else {
        throw .outOfRange(what: "size of axis \(axis)", value: size, allowed: "0 or more")
      }
      dimensions[axis] = .fixed(size)
    }
    return [TensorType(type.elementType, dimensions)]
  }

  private func resolvedAxes(rank: Int) throws(OperatorError) -> [Int] {
    guard let axes else { return Array(0..<rank) }
    var result: [Int] = []
    for axis in axes { result.append(try Axes.normalized(axis, rank: rank)) }
    return result
  }
}

extension CenterCropPad: DifferentiableOperator {
  /// A copy by a table of source positions for each axis.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let rows = try rows(context)
    let size = try context.input(0).elementBytes()
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: UInt8.self)
      let y = operands.output(as: UInt8.self)
      rows.forEach { target, source in
        let to = y + target * size
        if let source {
          to.update(from: x + source * size, count: size)
        } else {
          to.update(repeating: 0, count: size)
        }
      }
    }
  }

  /// dX is dY where an element was copied to, else 0.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let rows = try rows(context.kernel)
    let count = try context.kernel.floatInput(0).type.count
    return InferredTrainingKernel("crop", kernel, preferred: .rowMajor) { _ in
      Backward(
        "crop gradient", operands: [.gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let dy = operands.input(0, as: Float.self)
        let dx = operands.output(as: Float.self)
        dx.update(repeating: 0, count: count)
        rows.forEach { target, source in
          if let source { dx[source] += dy[target] }
        }
      }
    }
  }

  private func rows(_ context: KernelContext) throws(KernelError) -> PaddedRows {
    let (input, output) = (try context.input(0).shape, try context.output().shape)
    if output.contains(0) { return PaddedRows(sources: output.map { _ in [] }, input: input) }
    let sources = zip(input, output).map { size, count in
      // What is cut off or added at the beginning is rounded down.
      let begin = count < size ? (size - count) / 2 : -((count - size) / 2)
      return (0..<count).map { (0..<size).contains($0 + begin) ? $0 + begin : -1 }
    }
    return PaddedRows(sources: sources, input: input)
  }
}
