import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The mean over a window (ONNX AveragePool, opset 7, 10, 11, 19, 22).
///
/// Positions in the padding count as zeros where `countsPadding`, and not at all otherwise.
package struct AveragePool: Pooling {
  package static let schema = OperatorSchema("AveragePool", inputs: 1...1, inputTypes: [.float])

  package var pooling: PoolingForm? { PoolingForm(.average, coversImage: false) }

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var isHomogeneous: Bool { true }

  package var window: SlidingWindow
  /// `ceil_mode`: an incomplete last window counts.
  package var roundsUp: Bool
  /// `count_include_pad`.
  package var countsPadding: Bool

  package init(window: SlidingWindow, roundsUp: Bool = false, countsPadding: Bool = false) {
    self.window = window
    self.roundsUp = roundsUp
    self.countsPadding = countsPadding
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      window: try SlidingWindow(attributes: attributes),
      roundsUp: try attributes.bool("ceil_mode", default: false),
      countsPadding: try attributes.bool("count_include_pad", default: false))
    _ = try resolvedWindow()
  }

  package func attributes() -> [Attribute] {
    var result = window.attributes()
    if roundsUp { result.append(Attribute("ceil_mode", .int(1))) }
    if countsPadding { result.append(Attribute("count_include_pad", .int(1))) }
    return result.sorted { $0.name < $1.name }
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try inferPooled(inputs)]
  }
}

extension AveragePool: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    _ = try context.floatInput(0)
    return try PoolingKernels.make(
      function, try KernelError.operation(try resolvedWindow()),
      context)
  }

  /// dX sums dY / n over the windows that an element lies in, with n the positions that a window counts.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    try PoolingTraining.make(
      function, try KernelError.operation(try resolvedWindow()),
      context)
  }

  private var function: PoolingFunction {
    countsPadding ? .averageIncludingPadding : .averageExcludingPadding
  }
}
