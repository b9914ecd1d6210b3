import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y.shape[i] = x.shape[perm[i]]` (ONNX Transpose, opset 1, 13, 21 to 25).
package struct Transpose: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("Transpose", since: 1, inputs: 1...1)

  package var movement: ElementMovement? { ElementMovement(.transposed) }

  /// `nil` reverses the dimensions.
  package var permutation: [Int]?

  package init(permutation: [Int]?) { self.permutation = permutation }

  package init(attributes: AttributeReader) throws(OperatorError) {
    permutation = try attributes.ints("perm")
    if let permutation, permutation.sorted() != Array(0..<permutation.count) {
      throw .attributeValue(name: "perm", value: "\(permutation)", allowed: "a permutation")
    }
  }

  package func attributes() -> [Attribute] {
    permutation.map { [Attribute("perm", .ints($0.map(Int64.init)))] } ?? []
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions else {
      let unknown = permutation.map { [Dimension](repeating: .unknown, count: $0.count) }
      return [TensorType(type.elementType, unknown)]
    }
    let order = try resolvedPermutation(rank: dimensions.count)
    return [TensorType(type.elementType, order.map { dimensions[$0] })]
  }

  /// - Throws: ``OperatorError/rank`` where the attribute is for another rank.
  package func resolvedPermutation(rank: Int) throws(OperatorError) -> [Int] {
    let order = permutation ?? Array((0..<rank).reversed())
    guard order.count == rank else {
      throw .rank(input: 0, expected: "\(order.count)", actual: rank)
    }
    return order
  }
}

extension Transpose: DifferentiableOperator {
  /// The input's memory under another layout, so that whoever reads it copies once and only if it must;
  /// element types that oneDNN has no layouts for are copied.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    let order = try KernelError.operation(try resolvedPermutation(rank: input.shape.count))
    if order.isEmpty { return ViewKernel(context) }
    if EngineElement(input.elementType) != nil, order.count <= MemoryDescriptor.maximumRank {
      let descriptor = try input.descriptor()
      let permuted = try KernelError.engine(try descriptor.permuted(order))
      return ViewKernel(context, first: .layout(input.layout), output: TensorLayout(permuted))
    }
    let strides = Shape.strides(input.shape)
    let copy = try StridedCopy(
      input.elementType, shape: order.map { input.shape[$0] }, source: order.map { strides[$0] })
    return ClosureKernel(context) { operands in
      copy.run(from: operands.input(0), to: operands.output())
    }
  }

  /// dX is dY with its dimensions back in their order: the same memory under another layout.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let input = try context.kernel.floatInput(0)
    let output = try context.kernel.output()
    let order = try KernelError.operation(try resolvedPermutation(rank: input.shape.count))
    let kernel = try makeKernel(context.kernel)
    if order.isEmpty { return InferredTrainingKernel.view(kernel) }
    var inverse = order
    for (new, old) in order.enumerated() { inverse[old] = new }
    return InferredTrainingKernel("view", kernel) { [inverse] (context) throws(KernelError) in
      let layout = context.gradients[0] ?? .rowMajor
      let gradient = try KernelInput(type: output, layout: layout).descriptor()
      let permuted = try KernelError.engine(try gradient.permuted(inverse))
      return .view(TensorLayout(permuted), of: layout)
    }
  }
}
