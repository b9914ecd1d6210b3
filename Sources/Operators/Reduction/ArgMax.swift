import GraphIR
import TensorCore

/// The position of the largest element along an axis (ONNX ArgMax, opset 1, 11, 12, 13).
package struct ArgMax: ExtremePosition {
  package static let schema = OperatorSchema(
    "ArgMax", since: 1, inputs: 1...1, inputTypes: [.numeric])

  package static let findsLargest = true
  package var options: ExtremeOptions

  package init(options: ExtremeOptions = ExtremeOptions()) { self.options = options }
}
