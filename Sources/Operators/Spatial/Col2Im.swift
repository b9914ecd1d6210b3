import Execution
import GraphIR
import TensorCore

/// Adds columns, each of which holds a block of an image, where the blocks lie in it (ONNX Col2Im, opset 18).
///
/// Inputs: columns as samples x (channels times elements of a block) x blocks, the sizes of the image and of a block.
package struct Col2Im: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Col2Im", since: 18, inputs: 3...3, inputTypes: [.float, .index, .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var window: SlidingWindow

  package init(window: SlidingWindow) { self.window = window }

  package init(attributes: AttributeReader) throws(OperatorError) {
    window = try SlidingWindow(attributes: attributes)
  }

  package func attributes() -> [Attribute] { window.attributes() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let (image, window) = try geometry(inputs) else {
      return [TensorType(type.elementType, nil)]
    }
    var channels = Dimension.unknown
    if let columns = type.dimensions {
      guard columns.count == 3 else {
        throw .rank(input: 0, expected: "3", actual: columns.count)
      }
      let (block, blocks) = try Self.counts(image, window)
      if let rows = columns[1].size {
        guard rows % block == 0 else {
          throw .mismatch(
            what: "rows of columns", expected: "a multiple of \(block)", actual: "\(rows)")
        }
        channels = .fixed(rows / block)
      }
      if let count = columns[2].size, count != blocks {
        throw .mismatch(what: "number of columns", expected: "\(blocks)", actual: "\(count)")
      }
    }
    let sizes = image.map { Dimension.fixed($0) }
    return [TensorType(type.elementType, [type.dimensions?[0] ?? .unknown, channels] + sizes)]
  }

  /// The sizes of the image and the window; `nil` where they aren't constant.
  private func geometry(_ inputs: [InputInfo?]) throws(OperatorError) -> ([Int], ResolvedWindow)? {
    guard let image = try inputs.integers(1), let block = try inputs.integers(2) else { return nil }
    guard image.count == block.count, !image.isEmpty else {
      throw .mismatch(
        what: "number of axes of a block", expected: "\(image.count)", actual: "\(block.count)")
    }
    for size in image where !(0...Int(Int32.max)).contains(size) {
      throw .outOfRange(what: "size of the image", value: size, allowed: "0 to \(Int32.max)")
    }
    return (image, try window.resolved(kernel: block))
  }

  /// The elements of a block, and the number of blocks.
  private static func counts(_ image: [Int], _ window: ResolvedWindow) throws(OperatorError)
    -> (block: Int, blocks: Int)
  {
    var blocks: [Int] = []
    for axis in image.indices {
      blocks.append(try window.outputDimension(axis, of: .fixed(image[axis])).size ?? 0)
    }
    guard let block = Shape.elementCount(window.kernel), let count = Shape.elementCount(blocks)
    else { throw .outOfRange(what: "elements of a block", value: Int.max, allowed: "fewer") }
    return (block, count)
  }
}

extension Col2Im: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let (planes, pairs, block, pixels) = try places(context)
    return ClosureKernel(context) { operands in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      Parallelism.forEachRange(count: planes) {
        for plane in $0 {
          (y + plane * pixels).update(repeating: 0, count: pixels)
          for (column, pixel) in pairs { y[plane * pixels + pixel] += x[plane * block + column] }
        }
      }
    }
  }

  /// dX takes dY from where each element was added.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let (planes, pairs, block, pixels) = try places(context.kernel)
    return InferredTrainingKernel("columns", kernel, preferred: .rowMajor) { _ in
      Backward(
        "columns gradient", operands: [.gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let (dy, dx) = (operands.input(0, as: Float.self), operands.output(as: Float.self))
        dx.update(repeating: 0, count: planes * block)
        for plane in 0..<planes {
          for (column, pixel) in pairs { dx[plane * block + column] = dy[plane * pixels + pixel] }
        }
      }
    }
  }

  /// Samples times channels, where each element of a channel's columns is added to the image, and the elements of both.
  private func places(_ context: KernelContext) throws(KernelError) -> (
    planes: Int, pairs: [(column: Int, pixel: Int)], block: Int, pixels: Int
  ) {
    _ = try context.floatInput(0)
    let shape = try context.output().shape
    let (image, window) = try KernelError.operation { () throws(OperatorError) in
      guard let found = try geometry(context.inferenceInputs) else {
        throw .needsConstant(input: "image_shape and block_shape")
      }
      return found
    }
    let (block, blocks) = try KernelError.operation { () throws(OperatorError) in
      try Self.counts(image, window)
    }
    let strides = Shape.strides(image)
    let planes = shape[0] * shape[1]
    var pairs: [(column: Int, pixel: Int)] = []
    for tap in 0..<(planes > 0 ? block : 0) {
      for index in 0..<blocks {
        var (rest, step, pixel, isInside) = (index, tap, 0, true)
        for axis in image.indices.reversed() {
          let (begin, end) = window.padding(axis, size: image[axis])
          let count = (image[axis] + begin + end - window.extent(axis)) / window.strides[axis] + 1
          let position =
            rest % count * window.strides[axis] - begin
            + step % window.kernel[axis] * window.dilations[axis]
          isInside = isInside && (0..<image[axis]).contains(position)
          pixel += position * strides[axis]
          rest /= count
          step /= window.kernel[axis]
        }
        if isInside { pairs.append((tap * blocks + index, pixel)) }
      }
    }
    return (planes, pairs, planes > 0 ? block * blocks : 0, planes > 0 ? image.reduce(1, *) : 0)
  }
}
