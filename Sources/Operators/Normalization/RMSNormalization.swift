import Execution
import GraphIR
import TensorCore

/// `Y = Scale * X / sqrt(mean(X^2) + epsilon)`, with the mean over all axes from `axis` on (ONNX RMSNormalization,
/// opset 23).
///
/// Scale has the shape of those axes.
package struct RMSNormalization: TrailingNormalization {
  package static let schema = OperatorSchema(
    "RMSNormalization", since: 23, inputs: 2...2, inputTypes: [.float])

  package var axis: Int
  package var epsilon: Float
  package var stashType: Int

  package init(axis: Int = -1, epsilon: Float = 1e-5, stashType: Int = 1) {
    self.axis = axis
    self.epsilon = epsilon
    self.stashType = stashType
  }

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.all }

  static let centres = false

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    _ = try firstAxis(inputs, parameters: ["scale"])
    return [inputs.type(0)]
  }
}
