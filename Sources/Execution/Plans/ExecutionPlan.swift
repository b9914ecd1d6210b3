import DNNEngine
import GraphIR
import TensorCore

/// A graph compiled for concrete input shapes: steps in order over one arena, forward and, in a training, backward.
///
/// Order, buffers and layouts are fixed; a run allocates nothing. Not safe to run from two threads at once.
final class ExecutionPlan {
  /// What the caller sees of a value when it has been computed.
  struct Observation {
    var value: ValueID
    var type: ConcreteType

    /// A copy of the value, whose elements in row-major order start at `pointer`.
    func tensor(_ pointer: UnsafeRawPointer) -> Tensor? {
      let bytes = type.elementType.byteCount(elements: type.count) ?? 0
      let storage = TensorStorage(byteCount: bytes) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: bytes))
      }
      return Tensor(elementType: type.elementType, shape: type.shape, storage: storage)
    }
  }

  enum Work {
    case compute(KernelBody)
    /// A value, in row-major order, is handed to the caller.
    case observe(Observation)
  }

  /// One step with its place in memory.
  struct Action {
    let work: Work
    let operands: Operands
    let node: NodeID?
    /// Index into the profile's labels.
    let label: Int
  }

  /// Steps by when they run.
  struct Actions {
    /// Before the first forward run.
    var once: [Action]
    var forward: [Action]
    var backward: [Action]
  }

  /// A place in the operand table that gets the address of a fed tensor at each run.
  struct FedSlot {
    var value: ValueID
    var slot: Int
  }

  private let graph: Graph
  private var actions: Actions
  private let fedSlots: [FedSlot]
  private let table: ScratchBuffer<UnsafeMutableRawPointer?>
  /// Keeps constants, packed weights and intermediate tensors alive.
  private let retained: [AnyObject]
  private let labels: [String]
  /// Nanoseconds of each label, where a run is profiled.
  private var nanoseconds: [Int64]

  /// Bytes of the intermediate tensors.
  let arenaByteCount: Int
  /// Measures each step where true; reading the clock costs little, but not nothing.
  var isProfiled = false

  init(
    graph: Graph, actions: Actions, fedSlots: [FedSlot],
    table: ScratchBuffer<UnsafeMutableRawPointer?>, retained: [AnyObject],
    labels: [String], arenaByteCount: Int
  ) {
    self.graph = graph
    self.actions = actions
    self.fedSlots = fedSlots
    self.table = table
    self.retained = retained
    self.labels = labels
    nanoseconds = [Int64](repeating: 0, count: labels.count)
    self.arenaByteCount = arenaByteCount
  }

  /// Runs all steps but those of a backward half.
  ///
  /// - Parameters:
  ///   - inputs: tensors of exactly the types that the plan was compiled for.
  ///   - observe: called for each observed value as soon as it stands in row-major order.
  func run(
    _ inputs: [ValueID: Tensor],
    observe: (Observation, UnsafeRawPointer) throws(ExecutionError) -> Void
  ) throws(ExecutionError) {
    for fed in fedSlots {
      // Kernels never write to their inputs unless the plan has granted it, which it doesn't for fed ones.
      table.elements[fed.slot] = inputs[fed.value]?.storage.bytes.baseAddress.map {
        UnsafeMutableRawPointer(mutating: $0)
      }
    }
    if !actions.once.isEmpty {
      try run(actions.once, observe)
      actions.once = []
    }
    try run(actions.forward, observe)
  }

  /// Runs the backward half after a forward run, whose inputs must still be there.
  func runBackward() throws(ExecutionError) { try run(actions.backward) { _, _ in } }

  /// Seconds spent in each kind of step since the plan was made, most first.
  var profile: [(label: String, seconds: Double)] {
    zip(labels, nanoseconds).map { ($0, Double($1) / 1e9) }.sorted {
      ($1.seconds, $0.label) < ($0.seconds, $1.label)
    }
  }

  private func run(
    _ actions: [Action],
    _ observe: (Observation, UnsafeRawPointer) throws(ExecutionError) -> Void
  ) throws(ExecutionError) {
    for action in actions {
      let start = isProfiled ? ContinuousClock.now : nil
      switch action.work {
      case .compute(let body):
        do { try body(action.operands) } catch {
          throw action.node.map { ExecutionError(error, graph[$0]) }
            ?? ExecutionError(error, name: "(\(labels[action.label]))")
        }
      case .observe(let observation):
        try observe(observation, action.operands.input(0, as: UInt8.self))
      }
      if let start {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        nanoseconds[action.label] += seconds * 1_000_000_000 + attoseconds / 1_000_000_000
      }
    }
  }
}
