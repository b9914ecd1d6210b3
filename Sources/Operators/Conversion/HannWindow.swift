import GraphIR
import TensorCore

/// Hann's window, `1/2 - 1/2 cos` (ONNX HannWindow, opset 17).
public struct HannWindow: CosineWindow {
  public static let schema = OperatorSchema(
    "HannWindow", since: 17, inputs: 1...1, inputTypes: [.anyIndex])

  public static let coefficients = [0.5, -0.5]

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
