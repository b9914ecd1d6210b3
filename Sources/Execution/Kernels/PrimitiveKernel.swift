import DNNEngine

/// A kernel that is one oneDNN primitive.
package final class PrimitiveKernel: Kernel {
  /// Where an operand of the primitive comes from.
  package enum Source {
    case input(Int)
    case output(Int)
  }

  package let inputs: [InputRequest]
  package let outputs: [TensorLayout]
  package let overwritableInput: Int?
  private let primitive: Primitive
  private let sources: [Source]

  /// - Parameter operands: the primitive's operands with their place in the node.
  package init(
    _ descriptor: PrimitiveDescriptor, _ operands: [(Argument, MemoryDescriptor, Source)],
    inputs: [InputRequest], outputs: [TensorLayout], overwritableInput: Int? = nil
  ) throws(KernelError) {
    self.inputs = inputs
    self.outputs = outputs
    self.overwritableInput = overwritableInput
    sources = operands.map(\.2)
    primitive = try KernelError.engine(try Primitive(descriptor, operands.map { ($0.0, $0.1) }))
  }

  package func forward(_ operands: Operands) throws(KernelError) {
    do {
      for index in sources.indices {
        switch sources[index] {
        case .input(let position): try primitive.point(index, at: operands.inputs[position])
        case .output(let position): try primitive.point(index, at: operands.outputs[position])
        }
      }
      try primitive.run()
    } catch { throw .engine(error) }
  }
}
