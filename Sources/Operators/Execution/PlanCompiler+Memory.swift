import DNNEngine
import GraphIR
import TensorCore

extension PlanCompiler {
  /// Gives every buffer an address and every step its operands.
  func layOut() throws(ExecutionError) -> ExecutionPlan {
    var lifetimes = lifetimes()
    let roots = shareMemory(&lifetimes)
    var requests: [MemoryPlan.Request] = []
    var requestOf = [Int](repeating: -1, count: buffers.count)
    for index in buffers.indices where roots[index] == index {
      guard case .arena(let byteCount) = buffers[index], let life = lifetimes[index] else {
        continue
      }
      requestOf[index] = requests.count
      requests.append(
        MemoryPlan.Request(byteCount: byteCount, first: life.lowerBound, last: life.upperBound))
    }
    let arena: Arena
    let plan: MemoryPlan
    do {
      plan = try MemoryPlan(requests)
      arena = try Arena(byteCount: plan.byteCount)
    } catch { throw .engine(node: nil, error) }

    let slots = steps.reduce(0) { $0 + $1.inputs.count + $1.outputs.count }
    let table = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: max(slots, 1))
    table.initialize(repeating: nil, count: max(slots, 1))
    var next = 0
    var fedSlots: [ExecutionPlan.FedSlot] = []
    var actions: [ExecutionPlan.Action] = []
    for step in steps {
      let first = next
      for buffer in step.inputs + step.outputs {
        defer { next += 1 }
        guard let buffer else { continue }
        switch buffers[roots[buffer]] {
        case .fed(let value): fedSlots.append(ExecutionPlan.FedSlot(value: value, slot: next))
        case .constant(let pointer): table[next] = pointer
        case .arena:
          let request = requestOf[roots[buffer]]
          table[next] = arena.base + (request >= 0 ? plan.offsets[request] : 0)
        }
      }
      let operands = Operands(inputs: table + first, outputs: table + first + step.inputs.count)
      switch step.work {
      case .kernel(let kernel, let node):
        actions.append(.kernel(kernel, operands, node: node))
      case .reorder(let reorder): actions.append(.reorder(reorder, operands))
      case .observe(let observation): actions.append(.observe(observation, operands))
      }
    }
    return ExecutionPlan(
      actions: actions, fedSlots: fedSlots, table: table, retained: retained + [arena],
      arenaByteCount: plan.byteCount)
  }

  /// The steps from the first to the last that touch each intermediate buffer.
  private func lifetimes() -> [ClosedRange<Int>?] {
    var lifetimes = [ClosedRange<Int>?](repeating: nil, count: buffers.count)
    for (position, step) in steps.enumerated() {
      for case let buffer? in step.inputs + step.outputs {
        let first = lifetimes[buffer]?.lowerBound ?? position
        lifetimes[buffer] = first...position
      }
    }
    return lifetimes
  }

  /// Lets an output take over the memory of an input that no later step reads.
  ///
  /// - Returns: for each buffer the one whose memory it uses.
  private func shareMemory(_ lifetimes: inout [ClosedRange<Int>?]) -> [Int] {
    var roots = Array(buffers.indices)
    for (position, step) in steps.enumerated() {
      guard case .kernel(let kernel, _) = step.work, let input = kernel.overwritableInput,
        case let source? = step.inputs[input], case let result?? = step.outputs.first
      else { continue }
      let root = roots[source]
      guard case .arena(let available) = buffers[root],
        case .arena(let needed) = buffers[result], available == needed,
        let life = lifetimes[root], life.upperBound == position,
        let resultLife = lifetimes[result],
        // Another operand in the same memory would be overwritten while it is read.
        step.inputs.indices.allSatisfy({ index in
          index == input || step.inputs[index].map { roots[$0] } != root
        })
      else { continue }
      roots[result] = root
      lifetimes[root] = life.lowerBound...resultLife.upperBound
    }
    return roots
  }
}
