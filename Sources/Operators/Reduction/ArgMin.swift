import GraphIR
import TensorCore

/// The position of the smallest element along an axis (ONNX ArgMin, opset 1, 11, 12, 13).
public struct ArgMin: ExtremePosition {
  public static let schema = OperatorSchema(
    "ArgMin", since: 1, inputs: 1...1, inputTypes: [.numeric])

  public static let findsLargest = false
  public var options: ExtremeOptions

  public init(options: ExtremeOptions = ExtremeOptions()) { self.options = options }
}
