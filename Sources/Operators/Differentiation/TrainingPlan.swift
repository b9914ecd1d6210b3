import DNNEngine
import GraphIR
import TensorCore

/// A graph compiled for training on batches of one shape: forward steps, backward steps, and one arena
/// for all that lies between them.
///
/// Order, buffers and layouts are fixed; a run allocates nothing. Not safe to run from two threads at once.
public final class TrainingPlan {
  /// One computation with its place in memory.
  struct Action {
    let body: Backward.Body
    let operands: Operands
    let node: NodeID?
    /// Index into the profile's labels.
    let label: Int
  }

  /// A place in the operand table that gets the address of a fed tensor at each run.
  struct FedSlot {
    var value: ValueID
    var slot: Int
  }

  /// The memory of an output and of its gradient, both in row-major order.
  public struct Output: @unchecked Sendable {
    public let shape: [Int]
    public let values: UnsafeMutablePointer<Float>
    /// `nil` in a plan without a backward half.
    public let gradient: UnsafeMutablePointer<Float>?
    public var count: Int { shape.reduce(1, *) }
  }

  private let graph: Graph
  /// Run before the first forward run.
  private var onceActions: [Action]
  private let forwardActions: [Action]
  private let backwardActions: [Action]
  private let fedSlots: [FedSlot]
  private let table: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  /// Keeps memory and constants alive.
  private let retained: [AnyObject]
  private let labels: [String]
  /// Nanoseconds of each label, where a run is profiled.
  private var nanoseconds: [Int64]

  /// The first of the graph's outputs, between a forward and a backward run.
  public let output: Output
  /// Bytes of the arena.
  public let arenaByteCount: Int
  /// Measures each step where true; reading the clock costs little, but not nothing.
  public var isProfiled = false

  init(
    graph: Graph, once: [Action], forward: [Action], backward: [Action], fedSlots: [FedSlot],
    table: UnsafeMutablePointer<UnsafeMutableRawPointer?>, retained: [AnyObject],
    labels: [String], output: Output, arenaByteCount: Int
  ) {
    self.graph = graph
    onceActions = once
    forwardActions = forward
    backwardActions = backward
    self.fedSlots = fedSlots
    self.table = table
    self.retained = retained
    self.labels = labels
    nanoseconds = [Int64](repeating: 0, count: labels.count)
    self.output = output
    self.arenaByteCount = arenaByteCount
  }

  deinit { table.deallocate() }

  /// Computes the output for fed tensors of exactly the types that the plan was compiled for.
  ///
  /// - Parameter inputs: kept alive by the caller until the backward run is done.
  public func forward(_ inputs: [ValueID: Tensor]) throws(ExecutionError) {
    Engine.applyThreadCount()
    for fed in fedSlots {
      table[fed.slot] = inputs[fed.value]?.storage.bytes.baseAddress.map {
        UnsafeMutableRawPointer(mutating: $0)
      }
    }
    try run(onceActions)
    onceActions = []
    try run(forwardActions)
  }

  /// Computes the gradient of every parameter from that of the output, which the caller has written.
  ///
  /// Gradients replace those of the run before.
  public func backward() throws(ExecutionError) { try run(backwardActions) }

  /// Seconds spent in each kind of step since the plan was made, most first.
  public var profile: [(label: String, seconds: Double)] {
    zip(labels, nanoseconds).map { ($0, Double($1) / 1e9) }.sorted {
      ($1.seconds, $0.label) < ($0.seconds, $1.label)
    }
  }

  private func run(_ actions: [Action]) throws(ExecutionError) {
    for action in actions {
      let start = isProfiled ? ContinuousClock.now : nil
      do throws(KernelError) { try action.body(action.operands) } catch {
        throw action.node.map { ExecutionError(error, graph[$0]) }
          ?? ExecutionError(error, name: "(training step)")
      }
      if let start {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        nanoseconds[action.label] += seconds * 1_000_000_000 + attoseconds / 1_000_000_000
      }
    }
  }
}
