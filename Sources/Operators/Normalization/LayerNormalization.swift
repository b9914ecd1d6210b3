import Execution
import GraphIR
import TensorCore

/// `Y = Scale * (X - mean) / sqrt(variance + epsilon) + B`, with the statistics of all axes from `axis` on (ONNX
/// LayerNormalization, opset 17).
///
/// Scale and the optional B have the shape of those axes. The optional outputs are mean and inverse standard
/// deviation, with those axes as 1.
package struct LayerNormalization: TrailingNormalization {
  package static let schema = OperatorSchema(
    "LayerNormalization", since: 17, inputs: 2...3, outputs: 1...3, inputTypes: [.float])

  package var axis: Int
  package var epsilon: Float
  package var stashType: Int

  package init(axis: Int = -1, epsilon: Float = 1e-5, stashType: Int = 1) {
    self.axis = axis
    self.epsilon = epsilon
    self.stashType = stashType
  }

  static let centres = true

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let axis = try firstAxis(inputs, parameters: ["Scale", "B"])
    let statistics = inputs.type(0)?.dimensions.flatMap { dimensions in
      axis.map { axis -> [Dimension] in
        dimensions[..<axis] + [Dimension](repeating: 1, count: dimensions.count - axis)
      }
    }
    let type = TensorType(.float32, statistics)
    return [inputs.type(0), type, type]
  }
}
