import Execution
import GraphIR
import TensorCore

/// `y = scale * (x - mean) / sqrt(variance + epsilon) + B`, with the statistics of each channel of each sample
/// (ONNX InstanceNormalization, opset 6, 22).
///
/// Inputs: X `[N, C, ...]`, scale and B `[C]`.
package struct InstanceNormalization: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "InstanceNormalization", since: 6, inputs: 3...3, inputTypes: [.float])

  package var epsilon: Float

  package init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(epsilon: try attributes.float("epsilon", default: 1e-5))
  }

  package func attributes() -> [Attribute] { [Attribute("epsilon", .float(epsilon))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    _ = try inputs.requireRank(0, atLeast: 3)
    for (index, name) in [(1, "scale"), (2, "B")] {
      try inputs.requireVector(index, name, count: inputs.dimensions(0)?[1])
    }
    return [inputs.type(0)]
  }
}

extension InstanceNormalization: RowNormalizing {
  func rows(_ context: KernelContext) throws(KernelError) -> RowNormalization {
    let shape = try context.input(0).shape
    let positions = shape[2...].reduce(1, *)
    return RowNormalization(
      rows: shape[0] * shape[1], length: positions, period: shape[1], step: positions,
      epsilon: Double(epsilon))
  }
}
