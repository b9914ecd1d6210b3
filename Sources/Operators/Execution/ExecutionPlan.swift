import DNNEngine
import GraphIR
import TensorCore

/// A graph compiled for concrete input shapes: a list of kernels over one arena.
///
/// Running it allocates nothing. Not safe to run from two threads at once.
final class ExecutionPlan {
  /// What the caller sees of a value when it has been computed.
  struct Observation {
    var value: ValueID
    var type: ConcreteType
  }

  /// One step: a kernel with its operands, a reordering, or a value handed to the caller.
  enum Action {
    case kernel(any Kernel, Operands, node: NodeID)
    case reorder(Reorder, Operands)
    case observe(Observation, Operands)
  }

  /// A place in the operand table that gets the address of a fed tensor at each run.
  struct FedSlot {
    var value: ValueID
    var slot: Int
  }

  let actions: [Action]
  private let fedSlots: [FedSlot]
  private let table: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  /// Keeps constants, packed weights and intermediate tensors alive.
  private let retained: [AnyObject]
  /// Bytes of the intermediate tensors.
  let arenaByteCount: Int

  init(
    actions: [Action], fedSlots: [FedSlot],
    table: UnsafeMutablePointer<UnsafeMutableRawPointer?>, retained: [AnyObject],
    arenaByteCount: Int
  ) {
    self.actions = actions
    self.fedSlots = fedSlots
    self.table = table
    self.retained = retained
    self.arenaByteCount = arenaByteCount
  }

  deinit { table.deallocate() }

  /// Runs all steps.
  ///
  /// - Parameters:
  ///   - inputs: tensors of exactly the types that the plan was compiled for.
  ///   - observe: called for each observed value as soon as it stands in row-major order.
  func run(
    _ graph: Graph, _ inputs: [ValueID: Tensor],
    observe: (Observation, UnsafeRawPointer) throws(ExecutionError) -> Void
  ) throws(ExecutionError) {
    for fed in fedSlots {
      // Kernels never write to their inputs unless the plan has granted it, which it doesn't for fed ones.
      table[fed.slot] = inputs[fed.value]?.storage.bytes.baseAddress.map {
        UnsafeMutableRawPointer(mutating: $0)
      }
    }
    for action in actions {
      switch action {
      case .kernel(let kernel, let operands, let node):
        do { try kernel.forward(operands) } catch { throw ExecutionError(error, graph[node]) }
      case .reorder(let reorder, let operands):
        do { try reorder.run(from: operands.inputs[0], to: operands.output(as: UInt8.self)) } catch
        {
          throw .engine(node: nil, error)
        }
      case .observe(let observation, let operands):
        try observe(observation, operands.input(0, as: UInt8.self))
      }
    }
  }
}
