import DNNEngine
import TensorCore

/// One arena for buffers that live only for some steps.
struct ArenaLayout {
  let arena: Arena
  private let offsets: [Int?]

  /// - Parameters:
  ///   - byteCounts: of each buffer; `nil` for one that stands elsewhere.
  ///   - lifetimes: the steps between which each lives; `nil` for one that nothing touches.
  /// - Throws: ``ExecutionError/engine(node:_:)`` where memory doesn't suffice.
  init(byteCounts: [Int?], lifetimes: [ClosedRange<Int>?]) throws(ExecutionError) {
    var requests: [MemoryPlan.Request] = []
    var owners: [Int] = []
    for (buffer, (byteCount, life)) in zip(byteCounts, lifetimes).enumerated() {
      guard let byteCount, let life else { continue }
      owners.append(buffer)
      requests.append(
        MemoryPlan.Request(byteCount: byteCount, first: life.lowerBound, last: life.upperBound))
    }
    do {
      let plan = try MemoryPlan(requests)
      arena = try Arena(byteCount: plan.byteCount)
      var offsets = [Int?](repeating: nil, count: byteCounts.count)
      for (owner, offset) in zip(owners, plan.offsets) { offsets[owner] = offset }
      self.offsets = offsets
    } catch { throw .engine(node: nil, error) }
  }

  /// Where a buffer stands; one that nothing touches has any address.
  func address(_ buffer: Int) -> UnsafeMutableRawPointer { arena.base + (offsets[buffer] ?? 0) }

  /// The steps from the first to the last that touch each buffer.
  ///
  /// - Parameter touched: the buffers of each step.
  static func lifetimes(_ touched: some Sequence<[Int?]>, count: Int) -> [ClosedRange<Int>?] {
    var lifetimes = [ClosedRange<Int>?](repeating: nil, count: count)
    for (position, buffers) in touched.enumerated() {
      for case let buffer? in buffers {
        lifetimes[buffer] = (lifetimes[buffer]?.lowerBound ?? position)...position
      }
    }
    return lifetimes
  }
}

/// The operands of all steps: one table of addresses, each step's inputs followed by its outputs.
struct OperandTable {
  let entries: ScratchBuffer<UnsafeMutableRawPointer?>
  private var next = 0

  init(capacity: Int) {
    entries = ScratchBuffer(count: capacity, repeating: nil)
  }

  /// Adds one step's operands.
  ///
  /// - Parameter place: sets the entry of a buffer, given its index in the table.
  mutating func append(
    inputs: [Int?], outputs: [Int?], _ place: (_ buffer: Int, _ entry: Int) -> Void
  ) -> Operands {
    let first = next
    for buffer in inputs + outputs {
      if let buffer { place(buffer, next) }
      next += 1
    }
    let operands = entries.pointer + first
    return Operands(inputs: operands, outputs: operands + inputs.count)
  }
}
