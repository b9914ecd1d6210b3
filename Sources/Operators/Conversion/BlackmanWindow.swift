import GraphIR
import TensorCore

/// Blackman's window, `0.42 - 1/2 cos + 0.08 cos 2`; its ends are 0 up to rounding (ONNX BlackmanWindow, opset 17).
package struct BlackmanWindow: CosineWindow {
  package static let schema = OperatorSchema(
    "BlackmanWindow", since: 17, inputs: 1...1, inputTypes: [.anyIndex])

  package static let coefficients = [0.42, -0.5, 0.08]

  package let elementType: ElementType
  package let isPeriodic: Bool

  package init(elementType: ElementType = .float32, isPeriodic: Bool = true) {
    self.elementType = elementType
    self.isPeriodic = isPeriodic
  }
}
