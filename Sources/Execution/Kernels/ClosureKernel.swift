/// A kernel that is a function of row-major tensors, unless it asks for other layouts.
package final class ClosureKernel: Kernel {
  package let inputs: [InputRequest]
  package let outputs: [TensorLayout]
  package let overwritableInput: Int?
  private let body: KernelBody

  package init(
    inputs: [InputRequest], outputs: [TensorLayout], overwritableInput: Int? = nil,
    _ body: @escaping KernelBody
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.overwritableInput = overwritableInput
    self.body = body
  }

  /// Row-major in, row-major out.
  package convenience init(
    _ context: KernelContext, overwritableInput: Int? = nil, _ body: @escaping KernelBody
  ) {
    self.init(
      inputs: context.rowMajorInputs,
      outputs: [TensorLayout](repeating: .rowMajor, count: context.outputs.count),
      overwritableInput: overwritableInput, body)
  }

  package func forward(_ operands: Operands) throws(KernelError) { try body(operands) }
}

/// A kernel whose output is its first input's memory under another shape or layout.
package final class ViewKernel: Kernel {
  package let inputs: [InputRequest]
  package let outputs: [TensorLayout]
  package var isView: Bool { true }

  /// - Parameters:
  ///   - first: the form in which the first input is taken.
  ///   - output: the layout as which the same memory is seen.
  package init(
    _ context: KernelContext, first: InputRequest = .rowMajor, output: TensorLayout = .rowMajor
  ) {
    var requests = context.rowMajorInputs
    requests[0] = first
    inputs = requests
    var layouts = [TensorLayout](repeating: .rowMajor, count: context.outputs.count)
    layouts[0] = output
    outputs = layouts
  }

  package func forward(_ operands: Operands) {}
}
