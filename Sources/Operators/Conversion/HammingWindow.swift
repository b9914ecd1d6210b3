import GraphIR
import TensorCore

/// Hamming's window, `25/46 - 21/46 cos` (ONNX HammingWindow, opset 17).
package struct HammingWindow: CosineWindow {
  package static let schema = OperatorSchema(
    "HammingWindow", since: 17, inputs: 1...1, inputTypes: [.anyIndex])

  package static let coefficients = [25.0 / 46, -21.0 / 46]

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    OutputRange(minimum: 0, maximum: 1)
  }

  package let elementType: ElementType
  package let isPeriodic: Bool

  package init(elementType: ElementType = .float32, isPeriodic: Bool = true) {
    self.elementType = elementType
    self.isPeriodic = isPeriodic
  }
}
