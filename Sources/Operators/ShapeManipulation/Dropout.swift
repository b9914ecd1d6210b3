import Execution
import GraphIR
import TensorCore

/// Dropout at inference: `y = x`, the mask all true (ONNX Dropout, opset 7, 10, 12, 13, 22).
///
/// `ratio` is an attribute before opset 12, an optional input since. A `training_mode` input that is
/// true is supported where the ratio is 0, which drops nothing: randomness belongs to a trainer, not to a model.
package struct Dropout: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Dropout", inputs: 1...3, outputs: 1...2, inputTypes: [.float, .float, [.bool]])

  package var elementwise: ElementwiseForm? { .unary }

  package var isHomogeneous: Bool { true }

  package var movement: ElementMovement? { ElementMovement(.kept) }

  /// `nil` where the ratio is an input.
  package var ratio: Float?
  package var seed: Int?

  package init(ratio: Float? = nil, seed: Int? = nil) {
    self.ratio = ratio
    self.seed = seed
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    ratio = attributes.opset < 12 ? try attributes.float("ratio", default: 0.5) : nil
    seed = attributes.opset < 12 ? nil : try attributes.int("seed")
  }

  package func attributes() -> [Attribute] {
    var result: [Attribute] = []
    if let ratio { result.append(Attribute("ratio", .float(ratio))) }
    if let seed { result.append(Attribute("seed", .int(Int64(seed)))) }
    return result
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    // The mask was of the data's type before opset 10.
    if opsets.crosses(10), !graph.dropOutputs(node, from: 1) {
      throw .unsupported(what: "a mask of the data's type before opset 10, in opset \(opsets.to)")
    }
    guard opsets.crosses(12), let ratio else { return nil }
    graph.setInput(node, 1, toConstant: Tensor(scalar: ratio), "_ratio")
    graph[node].op = Dropout()
    return "ratio as an input"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let ratio = inputs.constant(1)
    if let training = inputs.constant(2), ratio != nil || !inputs.isPresent(1) {
      try Self.requireNothingDropped(training, ratio)
    }
    return [inputs.type(0), TensorType(.bool, inputs.dimensions(0))]
  }

  /// - Throws: ``OperatorError/unsupported(what:)`` for training mode with a ratio above 0.
  private static func requireNothingDropped(_ training: Tensor, _ ratio: Tensor?)
    throws(OperatorError)
  {
    let isTraining = training.integers()?.contains { $0 != 0 } ?? true
    // Without a ratio half of the elements are dropped.
    let drops = ratio?.convertedToFloat()?.elements(of: Float.self).contains { $0 != 0 } ?? true
    guard !isTraining || !drops else {
      throw .unsupported(what: "Dropout in training mode, whose output is random")
    }
  }
}

extension Dropout: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    if let training = context.optional(2) {
      guard let flag = training.constant else {
        throw .operator(.needsConstant(input: "training_mode"))
      }
      let ratio = context.optional(1)
      guard ratio == nil || ratio?.constant != nil else {
        throw .operator(.needsConstant(input: "ratio"))
      }
      try KernelError.operation(try Self.requireNothingDropped(flag, ratio?.constant))
    }
    guard context.outputs.count > 1, context.outputs[1] != nil else {
      return ViewKernel(context, first: .layout(input.layout), output: input.layout)
    }
    let copiesData = context.outputs[0] != nil
    let count = input.type.count
    let byteCount = input.elementType.byteCount(elements: count) ?? 0
    return ClosureKernel(context) { operands in
      if copiesData {
        operands.output(0, as: UInt8.self).update(from: operands.input(0), count: byteCount)
      }
      operands.output(1, as: Bool.self).update(repeating: true, count: count)
    }
  }

  /// dX = dY.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { InferredTrainingKernel.identity(try makeKernel(context.kernel)) }
}
