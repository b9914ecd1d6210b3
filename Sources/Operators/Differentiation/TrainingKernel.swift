import DNNEngine
import GraphIR
import TensorCore

/// The form in which a training kernel reads an input.
public enum TrainingRequest: Sendable, Hashable {
  /// As floats: one operand.
  case floats(InputRequest)
  /// As the integers in which it stands, reordered where another form is asked for: three operands, the
  /// integers, their scale and their offset.
  case integers(InputRequest?)

  static let rowMajor = TrainingRequest.floats(.rowMajor)

  /// Entries in the operand list.
  var operandCount: Int { if case .floats = self { 1 } else { 3 } }
}

/// The forms in which a training kernel writes an output: floats, integers, or both.
public struct OutputForm: Sendable, Hashable {
  public var floats: TensorLayout?
  /// Three operands after that of the floats: integers, scale and offset.
  public var integers: IntegerForm?

  public init(floats: TensorLayout? = nil, integers: IntegerForm? = nil) {
    self.floats = floats
    self.integers = integers
  }
}

/// The part of a node that is trained: forward, and backward once all later nodes' gradients are known.
///
/// Operands of `forward` are those of each input's request in order, then those of each output's forms,
/// then the buffers kept for backward. Not safe to run from two threads at once.
public protocol TrainingKernel: AnyObject {
  /// One for each input of the node, `nil` for one that forward doesn't read.
  var inputs: [TrainingRequest?] { get }
  /// One for each output of the node; of those that nothing reads, none are written.
  var outputs: [OutputForm] { get }
  /// True where the first output is the first input's memory and nothing is computed.
  var isView: Bool { get }
  /// Sizes of the buffers that forward fills and backward reads.
  var keptByteCounts: [Int] { get }
  /// What a run of forward is counted as in a profile.
  var label: String { get }

  func forward(_ operands: Operands) throws(KernelError)

  /// The layout in which backward would like the gradient of an output, `nil` for any.
  func preferredGradient(of output: Int) -> TensorLayout?

  /// The parts of backward, in the order in which they run.
  ///
  /// - Throws: ``KernelError`` where the engine refuses, or the operator has no derivative there.
  func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward]
}

extension TrainingKernel {
  public var isView: Bool { false }
  public var keptByteCounts: [Int] { [] }
  public func preferredGradient(of output: Int) -> TensorLayout? { nil }
}

/// A part of the backward half of a kernel: gradients of some inputs.
public struct Backward {
  /// What it reads.
  public enum Operand: Sendable, Hashable {
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
  public enum Memory: Sendable, Hashable {
    /// In memory of its own, which `body` writes.
    case own
    /// In that of an output's gradient, in the layout in which it is an operand.
    case gradient(Int)
    /// In that of an earlier result, which is this gradient too.
    case result(Int)
  }

  /// The gradient of an input, in a layout.
  public struct Result: Sendable, Hashable {
    public var input: Int
    public var layout: TensorLayout
    public var memory: Memory

    public init(input: Int, layout: TensorLayout, memory: Memory = .own) {
      self.input = input
      self.layout = layout
      self.memory = memory
    }
  }

  public typealias Body = (Operands) throws(KernelError) -> Void

  public var operands: [Operand]
  /// Results in memory of their own are operands in this order.
  public var results: [Result]
  /// Sizes of buffers that it works in; they follow the results in the operand list.
  public var scratchByteCounts: [Int]
  /// What a run is counted as in a profile.
  public var label: String
  public var body: Body

  public init(
    _ label: String, operands: [Operand], results: [Result], scratchByteCounts: [Int] = [],
    body: @escaping Body
  ) {
    self.label = label
    self.operands = operands
    self.results = results
    self.scratchByteCounts = scratchByteCounts
    self.body = body
  }

  /// A gradient that is that of the first output, seen in another shape or layout.
  static func view(_ layout: TensorLayout, of gradient: TensorLayout) -> Backward {
    Backward(
      "view", operands: [.gradient(0, gradient)],
      results: [Result(input: 0, layout: layout, memory: .gradient(0))]
    ) { _ in }
  }
}

/// A training kernel whose forward half is that of inference.
final class InferredTrainingKernel: TrainingKernel {
  typealias MakeBackward = (BackwardContext) throws(KernelError) -> Backward

  let kernel: any Kernel
  let label: String
  let keptByteCounts: [Int]
  private let preferred: TensorLayout?
  private let backward: MakeBackward

  /// - Parameter preferred: the layout in which backward would like the gradient of the first output.
  init(
    _ label: String, _ kernel: any Kernel, keptByteCounts: [Int] = [],
    preferred: TensorLayout? = nil, backward: @escaping MakeBackward
  ) {
    self.label = label
    self.kernel = kernel
    self.keptByteCounts = keptByteCounts
    self.preferred = preferred
    self.backward = backward
  }

  /// The kernel of a node that no gradient is wanted through.
  static func withoutGradient(_ label: String, _ kernel: any Kernel) -> InferredTrainingKernel {
    InferredTrainingKernel(label, kernel) { (_) throws(KernelError) in
      throw .operator(.unsupported(what: "the gradient of \(label)"))
    }
  }

  /// The kernel of an operator whose first output is its first input, in the layout in which it stands.
  static func identity(_ kernel: any Kernel) -> InferredTrainingKernel {
    InferredTrainingKernel("view", kernel) { context in
      let layout = context.gradients[0] ?? .rowMajor
      return .view(layout, of: layout)
    }
  }

  /// The kernel of an operator that shows its first input in another shape, both in row-major order.
  static func view(_ kernel: any Kernel) -> InferredTrainingKernel {
    InferredTrainingKernel("view", kernel) { _ in .view(.rowMajor, of: .rowMajor) }
  }

  var inputs: [TrainingRequest?] { kernel.inputs.map { .floats($0) } }
  var outputs: [OutputForm] { kernel.outputs.map { OutputForm(floats: $0) } }
  var isView: Bool { kernel.isView }

  func forward(_ operands: Operands) throws(KernelError) { try kernel.forward(operands) }
  func preferredGradient(of output: Int) -> TensorLayout? { output == 0 ? preferred : nil }

  func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward] {
    [try backward(context)]
  }
}
