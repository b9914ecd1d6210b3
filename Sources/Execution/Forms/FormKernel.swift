import GraphIR

/// The run-time part of one node, whose values may stand as floats or as integers.
///
/// Operands of `forward` are those of each input's request in order, then those of each output's forms,
/// then the buffers kept for a backward run. Not safe to run from two threads at once.
package protocol FormKernel: AnyObject {
  /// One for each input of the node, `nil` for one that forward doesn't read; inputs beyond the end aren't read.
  var inputs: [FormRequest?] { get }
  /// One for each output of the node; of those that nothing reads, none are written.
  var outputs: [OutputForm] { get }
  /// An operand whose memory the first output may take over.
  var overwritableInput: Int? { get }
  /// True where the first output is the first input's memory and nothing is computed.
  var isView: Bool { get }
  /// Sizes of the buffers that forward fills and a backward run reads.
  var keptByteCounts: [Int] { get }
  /// What a run of forward is counted as in a profile.
  var label: String { get }

  /// - Throws: ``KernelError`` where the data contradicts the operator's definition.
  func forward(_ operands: Operands) throws(KernelError)
}

extension FormKernel {
  package var overwritableInput: Int? { nil }
  package var isView: Bool { false }
  package var keptByteCounts: [Int] { [] }
}

/// An operator that can compute on integers, or whose computation a training needs.
package protocol FormOperator: Operator {
  /// The kernel for the shapes, layouts and forms of `context`.
  ///
  /// - Throws: ``KernelError`` where a type or combination isn't supported, or the engine refuses.
  func makeFormKernel(_ context: FormContext) throws(KernelError) -> any FormKernel
}

/// A kernel over floats among those of several forms.
package class FloatKernel: FormKernel {
  package let kernel: any Kernel
  package let label: String

  init(_ label: String, _ kernel: any Kernel) {
    self.label = label
    self.kernel = kernel
  }

  package var inputs: [FormRequest?] { kernel.inputs.map { .floats($0) } }
  package var outputs: [OutputForm] { kernel.outputs.map { OutputForm(floats: $0) } }
  package var overwritableInput: Int? { kernel.overwritableInput }
  package var isView: Bool { kernel.isView }
  package var keptByteCounts: [Int] { [] }

  package func forward(_ operands: Operands) throws(KernelError) { try kernel.forward(operands) }
}
