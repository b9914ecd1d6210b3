import GraphIR
import TensorCore

/// Hann's window, `1/2 - 1/2 cos` (ONNX HannWindow, opset 17).
package struct HannWindow: CosineWindow {
  package static let schema = OperatorSchema(
    "HannWindow", since: 17, inputs: 1...1, inputTypes: [.anyIndex])

  package static let coefficients = [0.5, -0.5]

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
