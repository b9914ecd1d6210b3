import Execution

/// An input, the gradient of the output, and where the gradient of the input goes: row-major floats.
struct InputGradient: @unchecked Sendable {
  let x: UnsafePointer<Float>
  let dy: UnsafePointer<Float>
  let dx: UnsafeMutablePointer<Float>
}

extension InferredTrainingKernel {
  /// A kernel whose gradient follows from its first input and the gradient of its output.
  static func rowMajor(
    _ label: String, _ kernel: any Kernel, gradient: @escaping (InputGradient) -> Void
  ) -> InferredTrainingKernel {
    InferredTrainingKernel(label, kernel, preferred: .rowMajor) { _ in
      Backward(
        "\(label) gradient", operands: [.input(0, .rowMajor), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        gradient(
          InputGradient(x: operands.input(0), dy: operands.input(1), dx: operands.output(0)))
      }
    }
  }
}
