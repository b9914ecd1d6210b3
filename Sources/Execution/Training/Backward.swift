/// A part of the backward half of a kernel: gradients of some inputs.
package struct Backward {
  /// What it reads.
  package enum Operand: Sendable, Hashable {
    /// An input of the node as floats.
    case input(Int, InputRequest)
    /// An input of the node as the integers in which it stands: three operands.
    case integers(Int)
    /// An output of the node, as floats in the layout that forward wrote.
    case output(Int)
    /// A buffer that forward kept.
    case kept(Int)
    /// The gradient of an output.
    case gradient(Int, TensorLayout)
  }

  /// Where the gradient of an input stands.
  package enum Memory: Sendable, Hashable {
    /// In memory of its own, which `body` writes.
    case own
    /// In that of an output's gradient, in the layout in which it is an operand.
    case gradient(Int)
    /// In that of an earlier result, which is this gradient too.
    case result(Int)
  }

  /// The gradient of an input, in a layout.
  package struct Result: Sendable, Hashable {
    package var input: Int
    package var layout: TensorLayout
    package var memory: Memory

    package init(input: Int, layout: TensorLayout, memory: Memory = .own) {
      self.input = input
      self.layout = layout
      self.memory = memory
    }
  }

  package var operands: [Operand]
  /// Results in memory of their own are operands in this order.
  package var results: [Result]
  /// Sizes of buffers that it works in; they follow the results in the operand list.
  package var scratchByteCounts: [Int]
  /// What a run is counted as in a profile.
  package var label: String
  package var body: KernelBody

  package init(
    _ label: String, operands: [Operand], results: [Result], scratchByteCounts: [Int] = [],
    body: @escaping KernelBody
  ) {
    self.label = label
    self.operands = operands
    self.results = results
    self.scratchByteCounts = scratchByteCounts
    self.body = body
  }

  /// A gradient that is that of the first output, seen in another shape or layout.
  package static func view(_ layout: TensorLayout, of gradient: TensorLayout) -> Backward {
    Backward(
      "view", operands: [.gradient(0, gradient)],
      results: [Result(input: 0, layout: layout, memory: .gradient(0))]
    ) { _ in }
  }
}
