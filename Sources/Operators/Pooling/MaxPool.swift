import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The maximum over a window; padding never wins (ONNX MaxPool, opset 1, 8, 10, 11, 12, 22).
///
/// The optional second output gives each maximum's position in the whole input, int64.
package struct MaxPool: Pooling {
  package static let schema = OperatorSchema(
    "MaxPool", since: 1, inputs: 1...1, outputs: 1...2, inputTypes: [.float + [.int8, .uint8]])

  package var pooling: PoolingForm? { PoolingForm(.maximum, coversImage: false) }

  package var isHomogeneous: Bool { true }

  package var movement: ElementMovement? { ElementMovement(.selected) }

  package var window: SlidingWindow
  /// `ceil_mode`: an incomplete last window counts.
  package var roundsUp: Bool
  /// `storage_order` of the optional second output: 0 is row-major.
  package var storageOrder: Int

  package init(window: SlidingWindow, roundsUp: Bool = false, storageOrder: Int = 0) {
    self.window = window
    self.roundsUp = roundsUp
    self.storageOrder = storageOrder
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      window: try SlidingWindow(attributes: attributes),
      roundsUp: try attributes.bool("ceil_mode", default: false),
      storageOrder: try attributes.int("storage_order", default: 0))
    _ = try resolvedWindow()
  }

  package func attributes() -> [Attribute] {
    var result = window.attributes()
    if roundsUp { result.append(Attribute("ceil_mode", .int(1))) }
    if storageOrder != 0 { result.append(Attribute("storage_order", .int(Int64(storageOrder)))) }
    return result.sorted { $0.name < $1.name }
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let pooled = try inferPooled(inputs)
    return [pooled, TensorType(.int64, pooled?.dimensions)]
  }
}

extension MaxPool: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let window = try KernelError.operation(try resolvedWindow())
    return try PoolingKernels.make(
      .maximum, window, context, isColumnMajor: storageOrder != 0)
  }

  /// dX sums dY over the windows in which an element is the maximum, the first among equals.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    try PoolingTraining.make(
      .maximum, try KernelError.operation(try resolvedWindow()),
      context)
  }
}
