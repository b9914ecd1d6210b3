import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The training kernel of a pooling: dY is spread over its window, evenly or to the maximum.
///
/// Which element is the maximum is kept from the forward run.
final class PoolingTraining: TrainingKernel {
  let label = "pooling"
  let inputs: [FormRequest?]
  let outputs: [OutputForm]
  let keptByteCounts: [Int]
  private let layer: PoolingLayer
  private let engine: Engine
  private let descriptor: PrimitiveDescriptor
  private let forwardPass: Primitive
  private let x: MemoryDescriptor
  private let y: MemoryDescriptor
  private let workspace: MemoryDescriptor?

  /// - Precondition: the layer has no fallback.
  private init(_ layer: PoolingLayer, _ context: FormContext) throws(KernelError) {
    self.layer = layer
    engine = context.engine
    let input = try context.kernel.floatInput(0)
    x = try input.descriptor()
    descriptor = try layer.primitive(context.kernel, isTrained: true)
    do {
      y = try descriptor.layout(of: .destination)
      workspace = layer.function == .maximum ? try descriptor.layout(of: .workspace) : nil
      var operands: [(Argument, MemoryDescriptor)] = [(.source, x), (.destination, y)]
      if let workspace { operands.append((.workspace, workspace)) }
      forwardPass = try Primitive(descriptor, operands)
    } catch { throw .engine(error) }
    inputs = [.floats(.layout(input.layout))]
    var forms = context.kernel.outputs.map { _ in OutputForm(floats: .rowMajor) }
    forms[0] = OutputForm(floats: TensorLayout(y))
    outputs = forms
    keptByteCounts = workspace.map { [$0.byteCount] } ?? []
  }

  /// oneDNN over the layout in which the input stands, or a plain loop where oneDNN means something else.
  static func make(
    _ function: PoolingFunction, _ window: ResolvedWindow, _ context: FormContext
  ) throws(KernelError) -> any TrainingKernel {
    _ = try context.kernel.floatInput(0)
    let layer = try PoolingLayer(function, window, context.kernel)
    guard let fallback = layer.fallback else { return try PoolingTraining(layer, context) }
    return InferredTrainingKernel("pooling", try fallback.kernel(context.kernel)) { _ in
      fallback.backward()
    }
  }

  /// One number for all spatial positions.
  static func global(
    _ context: FormContext, _ function: PoolingFunction = .averageExcludingPadding
  ) throws(KernelError) -> any TrainingKernel {
    let spatial = Array(try context.kernel.floatInput(0).shape.dropFirst(2))
    if spatial.isEmpty { return InferredTrainingKernel.view(ViewKernel(context.kernel)) }
    return try PoolingTraining(PoolingLayer(function, over: spatial), context)
  }

  func forward(_ operands: Operands) throws(KernelError) {
    do {
      try forwardPass.point(0, at: operands.inputs[0])
      try forwardPass.point(1, at: operands.outputs[0])
      if workspace != nil { try forwardPass.point(2, at: operands.outputs[outputs.count]) }
      try forwardPass.run()
    } catch { throw .engine(error) }
  }

  func preferredGradient(of output: Int) -> TensorLayout? { TensorLayout(y) }

  func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward] {
    let primitive: Primitive
    do {
      let gradient = try PrimitiveDescriptor.poolingGradient(
        engine, layer.function, source: x, destination: y, kernel: layer.kernel, layer.geometry,
        forward: descriptor)
      var operands: [(Argument, MemoryDescriptor)] = [
        (.destinationGradient, y), (.sourceGradient, x),
      ]
      if let workspace { operands.append((.workspace, workspace)) }
      primitive = try Primitive(gradient, operands)
    } catch { throw .engine(error) }
    var operands = [Backward.Operand.gradient(0, TensorLayout(y))]
    let isKept = workspace != nil
    if isKept { operands.append(.kept(0)) }
    return [
      Backward(
        "pooling gradient", operands: operands,
        results: [Backward.Result(input: 0, layout: TensorLayout(x))]
      ) { (operands) throws(KernelError) in
        try KernelError.engine { () throws(EngineError) in
          try primitive.point(0, at: operands.inputs[0])
          try primitive.point(1, at: operands.outputs[0])
          if isKept { try primitive.point(2, at: operands.inputs[1]) }
          try primitive.run()
        }
      }
    ]
  }
}
