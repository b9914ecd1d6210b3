import DNNEngine
import GraphIR
import TensorCore

/// Where the bytes of an operand come from.
enum PlanBuffer {
  case fed(ValueID)
  /// A constant, a parameter or a parameter's gradient.
  case fixed(UnsafeMutableRawPointer)
  /// Intermediate memory of that size.
  case arena(byteCount: Int)
}

/// A value in memory, in one buffer.
struct Location {
  var buffer: Int
  var layout: TensorLayout
}

/// A value in memory as integers.
struct IntegerLocation {
  var form: IntegerForm
  /// Integers, scale, offset.
  var buffers: [Int?]
}

/// A step before addresses are known; operands are indices of buffers.
struct PlanStep {
  var work: ExecutionPlan.Work
  var inputs: [Int?]
  var outputs: [Int?]
  var node: NodeID?
  /// What it is counted as in a profile.
  var label: String
  /// An input whose memory the first output may take over.
  var overwritableInput: Int?
  /// True where nothing that it reads ever changes, so that it runs once.
  var isConstant = false

  init(
    _ label: String, inputs: [Int?], outputs: [Int?], node: NodeID? = nil,
    overwritableInput: Int? = nil, body: @escaping KernelBody
  ) {
    work = .compute(body)
    self.label = label
    self.inputs = inputs
    self.outputs = outputs
    self.node = node
    self.overwritableInput = overwritableInput
  }

  /// A step that hands a value to the caller.
  init(observing observation: ExecutionPlan.Observation, in buffer: Int) {
    work = .observe(observation)
    label = "result"
    inputs = [buffer]
    outputs = []
  }
}
