/// The part of a node that is trained: forward, and backward once all later nodes' gradients are known.
package protocol TrainingKernel: FormKernel {
  /// The layout in which backward would like the gradient of an output, `nil` for any.
  func preferredGradient(of output: Int) -> TensorLayout?

  /// The parts of backward, in the order in which they run.
  ///
  /// - Throws: ``KernelError`` where the engine refuses, or the operator has no derivative there.
  func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward]
}

extension TrainingKernel {
  package func preferredGradient(of output: Int) -> TensorLayout? { nil }
}

/// A training kernel whose forward half is that of inference.
package final class InferredTrainingKernel: FloatKernel, TrainingKernel {
  package typealias MakeBackward = (BackwardContext) throws(KernelError) -> Backward

  private let kept: [Int]
  private let preferred: TensorLayout?
  private let backward: MakeBackward

  /// - Parameter preferred: the layout in which backward would like the gradient of the first output.
  package init(
    _ label: String, _ kernel: any Kernel, keptByteCounts: [Int] = [],
    preferred: TensorLayout? = nil, backward: @escaping MakeBackward
  ) {
    kept = keptByteCounts
    self.preferred = preferred
    self.backward = backward
    super.init(label, kernel)
  }

  /// The kernel of a node that no gradient is wanted through.
  package static func withoutGradient(_ label: String, _ kernel: any Kernel)
    -> InferredTrainingKernel
  {
    InferredTrainingKernel(label, kernel) { (_) throws(KernelError) in
      throw .operator(.unsupported(what: "the gradient of \(label)"))
    }
  }

  /// The kernel of an operator whose first output is its first input, in the layout in which it stands.
  package static func identity(_ kernel: any Kernel) -> InferredTrainingKernel {
    InferredTrainingKernel("view", kernel) { context in
      let layout = context.gradients[0] ?? .rowMajor
      return .view(layout, of: layout)
    }
  }

  /// The kernel of an operator that shows its first input in another shape, both in row-major order.
  package static func view(_ kernel: any Kernel) -> InferredTrainingKernel {
    InferredTrainingKernel("view", kernel) { _ in .view(.rowMajor, of: .rowMajor) }
  }

  package override var keptByteCounts: [Int] { kept }
  /// Backward may read what forward has read.
  package override var overwritableInput: Int? { nil }

  package func preferredGradient(of output: Int) -> TensorLayout? { output == 0 ? preferred : nil }

  package func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward] {
    [try backward(context)]
  }
}
