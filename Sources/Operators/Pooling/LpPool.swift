import Execution
import GraphIR
import TensorCore

/// The p-norm over a window, `(sum |x|^p)^(1/p)` (ONNX LpPool, opset 2, 11, 18, 22).
package struct LpPool: Pooling {
  package static let schema = OperatorSchema(
    "LpPool", since: 2, inputs: 1...1, inputTypes: [.float])

  package var pooling: PoolingForm? { PoolingForm(.norm, coversImage: false) }

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? { OutputRange(minimum: 0) }

  package var p: Int
  package var window: SlidingWindow
  /// `ceil_mode`: an incomplete last window counts.
  package var roundsUp: Bool

  package init(p: Int = 2, window: SlidingWindow, roundsUp: Bool = false) {
    self.p = p
    self.window = window
    self.roundsUp = roundsUp
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      p: try attributes.int("p", default: 2), window: try SlidingWindow(attributes: attributes),
      roundsUp: try attributes.bool("ceil_mode", default: false))
    guard (1...1024).contains(p) else {
      throw .attributeValue(name: "p", value: "\(p)", allowed: "1 to 1024")
    }
    _ = try resolvedWindow()
  }

  package func attributes() -> [Attribute] {
    var result = window.attributes() + [Attribute("p", .int(Int64(p)))]
    if roundsUp { result.append(Attribute("ceil_mode", .int(1))) }
    return result.sorted { $0.name < $1.name }
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try inferPooled(inputs)]
  }
}

extension LpPool: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try windows(context).kernel(context)
  }

  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try windows(context.kernel).trainingKernel(context) }

  private func windows(_ context: KernelContext) throws(KernelError) -> LpWindows {
    let window = try KernelError.operation { () throws(OperatorError) in try resolvedWindow() }
    return try LpWindows(
      p: p, window, input: try context.input(0).shape, output: try context.output().shape)
  }
}
