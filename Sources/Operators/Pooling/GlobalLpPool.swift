import Execution
import GraphIR
import TensorCore

/// The p-norm over all spatial positions, which stay as dimensions of 1 (ONNX GlobalLpPool, opset 2, 22).
package struct GlobalLpPool: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "GlobalLpPool", since: 2, inputs: 1...1, inputTypes: [.float])

  package var pooling: PoolingForm? { PoolingForm(.norm, coversImage: true) }

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? { OutputRange(minimum: 0) }

  package var p: Int

  package init(p: Int = 2) { self.p = p }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(p: try attributes.int("p", default: 2))
    guard (1...1024).contains(p) else {
      throw .attributeValue(name: "p", value: "\(p)", allowed: "1 to 1024")
    }
  }

  package func attributes() -> [Attribute] { [Attribute("p", .int(Int64(p)))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try inputs.pooledGlobally()]
  }
}

extension GlobalLpPool: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try windows(context).kernel(context)
  }

  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try windows(context.kernel).trainingKernel(context) }

  private func windows(_ context: KernelContext) throws(KernelError) -> LpWindows {
    let shape = try context.input(0).shape
    let spatial = Array(shape[2...])
    let window = ResolvedWindow(
      kernel: spatial, strides: spatial.map { _ in 1 }, dilations: spatial.map { _ in 1 },
      pads: spatial.flatMap { _ in [0, 0] }, autoPadding: .explicit)
    return try LpWindows(p: p, window, input: shape, output: try context.output().shape)
  }
}
