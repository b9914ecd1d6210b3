/// A kernel that is a function of row-major tensors, unless it asks for other layouts.
final class ClosureKernel: Kernel {
  typealias Body = (Operands) throws(KernelError) -> Void

  let inputs: [InputRequest]
  let outputs: [TensorLayout]
  let overwritableInput: Int?
  private let body: Body

  init(
    inputs: [InputRequest], outputs: [TensorLayout], overwritableInput: Int? = nil,
    _ body: @escaping Body
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.overwritableInput = overwritableInput
    self.body = body
  }

  /// Row-major in, row-major out.
  convenience init(_ context: KernelContext, overwritableInput: Int? = nil, _ body: @escaping Body)
  {
    self.init(
      inputs: context.rowMajorInputs,
      outputs: [TensorLayout](repeating: .rowMajor, count: context.outputs.count),
      overwritableInput: overwritableInput, body)
  }

  func forward(_ operands: Operands) throws(KernelError) { try body(operands) }
}

/// A kernel whose output is its first input's memory under another shape or layout.
final class ViewKernel: Kernel {
  let inputs: [InputRequest]
  let outputs: [TensorLayout]
  var isView: Bool { true }

  /// - Parameters:
  ///   - first: the form in which the first input is taken.
  ///   - output: the layout as which the same memory is seen.
  init(_ context: KernelContext, first: InputRequest = .rowMajor, output: TensorLayout = .rowMajor)
  {
    var requests = context.rowMajorInputs
    requests[0] = first
    inputs = requests
    var layouts = [TensorLayout](repeating: .rowMajor, count: context.outputs.count)
    layouts[0] = output
    outputs = layouts
  }

  func forward(_ operands: Operands) {}
}
