import Execution
import GraphIR
import TensorCore

/// A matrix of the dimensions before `axis` by those from it on (ONNX Flatten, opset 1, 9, 11 to 25).
package struct Flatten: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("Flatten", since: 1, inputs: 1...1)

  package var movement: ElementMovement? { ElementMovement(.kept) }

  package var axis: Int

  package init(axis: Int = 1) { self.axis = axis }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = try attributes.int("axis", default: 1)
  }

  package func attributes() -> [Attribute] { [Attribute("axis", .int(Int64(axis)))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions else {
      return [TensorType(type.elementType, [.unknown, .unknown])]
    }
    let rank = dimensions.count
    guard axis >= -rank, axis <= rank else {
      throw .outOfRange(what: "axis", value: axis, allowed: "\(-rank)...\(rank)")
    }
    let split = axis < 0 ? axis + rank : axis
    return [
      TensorType(
        type.elementType,
        [
          try Dimensions.product(dimensions[..<split]),
          try Dimensions.product(dimensions[split...]),
        ])
    ]
  }
}

extension Flatten: DifferentiableOperator {
  /// The input's memory in row-major order.
  package func makeKernel(_ context: KernelContext) -> any Kernel { ViewKernel(context) }

  /// dX is dY in the shape of X.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { InferredTrainingKernel.view(makeKernel(context.kernel)) }
}
