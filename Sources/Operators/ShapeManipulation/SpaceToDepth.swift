import Execution
import GraphIR
import TensorCore

/// Moves blocks of space into channels: `[N, C, H, W]` to `[N, C*b^2, H/b, W/b]` (ONNX SpaceToDepth, opset
/// 1, 13).
///
/// With `i, j` the position in the block, the output channel is `(i*b + j)*C + c`.
package struct SpaceToDepth: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("SpaceToDepth", since: 1, inputs: 1...1)

  package var movement: ElementMovement? { ElementMovement(.permuted) }

  package var blockSize: Int

  package init(blockSize: Int) { self.blockSize = blockSize }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let size = try attributes.int("blocksize") else {
      throw .missingAttribute(name: "blocksize")
    }
    guard (1...65536).contains(size) else {
      throw .attributeValue(name: "blocksize", value: "\(size)", allowed: "1 to 65536")
    }
    self.init(blockSize: size)
  }

  package func attributes() -> [Attribute] { [Attribute("blocksize", .int(Int64(blockSize)))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions else { return [TensorType(type.elementType, nil)] }
    guard dimensions.count == 4 else {
      throw .rank(input: 0, expected: "4", actual: dimensions.count)
    }
    var channels = Dimension.unknown
    if let size = dimensions[1].size {
      let (product, overflow) = size.multipliedReportingOverflow(by: blockSize * blockSize)
      guard !overflow else {
        throw .outOfRange(what: "channels", value: size, allowed: "below 2^63 / \(blockSize)^2")
      }
      channels = .fixed(product)
    }
    return [
      TensorType(
        type.elementType,
        [dimensions[0], channels, try divided(dimensions[2]), try divided(dimensions[3])])
    ]
  }

  private func divided(_ dimension: Dimension) throws(OperatorError) -> Dimension {
    if blockSize == 1 { return dimension }
    guard let size = dimension.size else { return .unknown }
    guard size % blockSize == 0 else {
      throw .mismatch(what: "dimension", expected: "a multiple of \(blockSize)", actual: "\(size)")
    }
    return .fixed(size / blockSize)
  }
}

extension SpaceToDepth: DifferentiableOperator {
  /// A copy that walks the output `[N, i, j, C, H/b, W/b]` in row-major order.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    let place = try place(context)
    let copy = try StridedCopy(input.elementType, shape: place.shape, source: place.strides)
    return ClosureKernel(context) { operands in
      copy.run(from: operands.input(0), to: operands.output())
    }
  }

  /// dX is dY moved back from channels to space.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let place = try place(context.kernel)
    let scatter = StridedScatter(
      shape: place.shape, strides: place.strides, offset: 0,
      count: try context.kernel.floatInput(0).type.count)
    return InferredTrainingKernel("space to depth", kernel, preferred: .rowMajor) { _ in
      scatter.backward("space to depth gradient")
    }
  }

  /// Where the output's elements stand in a row-major input.
  private func place(_ context: KernelContext) throws(KernelError) -> (shape: [Int], strides: [Int])
  {
    let (x, y) = (try context.input(0).shape, try context.output().shape)
    let s = Shape.strides(x)
    let b = blockSize
    return ([x[0], b, b, x[1], y[2], y[3]], [s[0], s[2], s[3], s[1], b * s[2], b * s[3]])
  }
}
