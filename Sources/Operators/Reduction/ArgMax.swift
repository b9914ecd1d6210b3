import GraphIR
import TensorCore

/// The position of the largest element along an axis (ONNX ArgMax, opset 1, 11, 12, 13).
public struct ArgMax: ExtremePosition {
  public static let schema = OperatorSchema(
    "ArgMax", since: 1, inputs: 1...1, inputTypes: [.numeric])

  public static let findsLargest = true
  public var options: ExtremeOptions

  public init(options: ExtremeOptions = ExtremeOptions()) { self.options = options }
}
