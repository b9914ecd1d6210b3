import GraphIR
import TensorCore

/// The position of the smallest element along an axis (ONNX ArgMin, opset 1, 11, 12, 13).
package struct ArgMin: ExtremePosition {
  package static let schema = OperatorSchema(
    "ArgMin", since: 1, inputs: 1...1, inputTypes: [.numeric])

  package static let findsLargest = false
  package var options: ExtremeOptions

  package init(options: ExtremeOptions = ExtremeOptions()) { self.options = options }
}
