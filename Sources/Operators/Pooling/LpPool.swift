import Execution
import GraphIR
import TensorCore

/// The p-norm over a window, `(sum |x|^p)^(1/p)` (ONNX LpPool, opset 2, 11, 18, 22).
public struct LpPool: Pooling {
  public static let schema = OperatorSchema(
    "LpPool", since: 2, inputs: 1...1, inputTypes: [.float])

  public func outputRange(_ constant: (Int) -> Float?) -> OutputRange? { OutputRange(minimum: 0) }

  public var p: Int
  public var window: SlidingWindow
  /// `ceil_mode`: an incomplete last window counts.
  public var roundsUp: Bool

  public init(p: Int = 2, window: SlidingWindow, roundsUp: Bool = false) {
    self.p = p
    self.window = window
    self.roundsUp = roundsUp
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      p: try attributes.int("p", default: 2), window: try SlidingWindow(attributes: attributes),
      roundsUp: try attributes.bool("ceil_mode", default: false))
    guard (1...1024).contains(p) else {
      throw .attributeValue(name: "p", value: "\(p)", allowed: "1 to 1024")
    }
    _ = try resolvedWindow()
  }

  public func attributes() -> [Attribute] {
    var result = window.attributes() + [Attribute("p", .int(Int64(p)))]
    if roundsUp { result.append(Attribute("ceil_mode", .int(1))) }
    return result.sorted { $0.name < $1.name }
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try inferPooled(inputs)]
  }
}

extension LpPool: DifferentiableOperator {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try windows(context).kernel(context)
  }

  public func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try windows(context.kernel).trainingKernel(context) }

  private func windows(_ context: KernelContext) throws(KernelError) -> LpWindows {
    let window = try KernelError.operation { () throws(OperatorError) in try resolvedWindow() }
    return try LpWindows(
      p: p, window, input: try context.input(0).shape, output: try context.output().shape)
  }
}
