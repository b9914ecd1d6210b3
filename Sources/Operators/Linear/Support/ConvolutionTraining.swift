import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The training kernel of a convolution.
///
/// Forward multiplies 8-bit integers where both operands are held as such and the CPU has instructions for
/// their dot product; the sums are exact and stay integers of 32 bits, with the product of the scales as
/// theirs. Otherwise forward is that of inference. Gradients are in single precision.
final class ConvolutionTraining: TrainingKernel {
  let label: String
  let inputs: [FormRequest?]
  let outputs: [OutputForm]
  private let layer: ConvolutionLayer
  private let forwardBody: (Operands) throws(KernelError) -> Void
  private let gradients: ConvolutionGradients

  init(_ layer: ConvolutionLayer, _ context: FormContext) throws(KernelError) {
    self.layer = layer
    gradients = try ConvolutionGradients(layer, context)
    if context.options.usesIntegers, let integers = IntegerConvolution(layer, context) {
      label = "convolution of integers"
      inputs = integers.inputs
      outputs = [integers.output]
      forwardBody = { (operands) throws(KernelError) in try integers.run(operands) }
    } else {
      label = "convolution"
      let kernel = try layer.kernel(context.kernel)
      inputs = kernel.inputs.map { .floats($0) }
      outputs = kernel.outputs.map { OutputForm(floats: $0) }
      forwardBody = { (operands) throws(KernelError) in try kernel.forward(operands) }
    }
  }

  func forward(_ operands: Operands) throws(KernelError) { try forwardBody(operands) }

  func preferredGradient(of output: Int) -> TensorLayout? { gradients.layout }

  func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward] {
    try gradients.makeBackward(context)
  }
}

/// What a convolution is, whichever way it is computed.
struct ConvolutionLayer {
  var geometry: ConvolutionGeometry
  var weight: ConvolutionKernels.Weight
  var isTransposed: Bool
  var hasBias: Bool

  /// The forward computation of inference.
  func kernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let operands = try ConvolutionKernels.Operands(context, weight, hasBias: hasBias)
    return try ConvolutionKernels.kernel(operands, context, hasResidual: false) {
      (operands) throws(EngineError) in try forward(context.engine, operands)
    }
  }

  /// In layouts of oneDNN's choice, where the operands leave it.
  func forward(_ engine: Engine, _ operands: ConvolutionKernels.Operands) throws(EngineError)
    -> PrimitiveDescriptor
  {
    if isTransposed {
      return try PrimitiveDescriptor.transposedConvolution(
        engine, source: operands.source, weights: operands.weight, bias: operands.bias,
        destination: operands.destination, geometry)
    }
    return try PrimitiveDescriptor.convolution(
      engine, source: operands.source, weights: operands.weight, bias: operands.bias,
      destination: operands.destination, geometry)
  }
}
