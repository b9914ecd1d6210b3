import GraphIR
import TensorCore

/// Hamming's window, `25/46 - 21/46 cos` (ONNX HammingWindow, opset 17).
public struct HammingWindow: CosineWindow {
  public static let schema = OperatorSchema(
    "HammingWindow", since: 17, inputs: 1...1, inputTypes: [.anyIndex])

  public static let coefficients = [25.0 / 46, -21.0 / 46]

  public func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    OutputRange(minimum: 0, maximum: 1)
  }

  public let elementType: ElementType
  public let isPeriodic: Bool

  public init(elementType: ElementType = .float32, isPeriodic: Bool = true) {
    self.elementType = elementType
    self.isPeriodic = isPeriodic
  }
}
