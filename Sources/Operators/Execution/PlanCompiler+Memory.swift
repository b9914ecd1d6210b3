import DNNEngine
import GraphIR
import TensorCore

extension PlanCompiler {
  /// Gives every buffer an address and every step its operands.
  func layOut() throws(ExecutionError) -> ExecutionPlan {
    var lifetimes = ArenaLayout.lifetimes(
      steps.map { $0.inputs + $0.outputs }, count: buffers.count)
    let roots = shareMemory(&lifetimes)
    let layout = try ArenaLayout(
      byteCounts: buffers.indices.map { index in
        guard case .arena(let byteCount) = buffers[index], roots[index] == index else { return nil }
        return byteCount
      }, lifetimes: lifetimes)
    var table = OperandTable(capacity: steps.reduce(0) { $0 + $1.inputs.count + $1.outputs.count })
    var fedSlots: [ExecutionPlan.FedSlot] = []
    var actions: [ExecutionPlan.Action] = []
    for step in steps {
      let entries = table.entries
      let operands = table.append(inputs: step.inputs, outputs: step.outputs) { buffer, entry in
        switch buffers[roots[buffer]] {
        case .fed(let value): fedSlots.append(ExecutionPlan.FedSlot(value: value, slot: entry))
        case .constant(let pointer): entries[entry] = pointer
        case .arena: entries[entry] = layout.address(roots[buffer])
        }
      }
      switch step.work {
      case .kernel(let kernel, let node):
        actions.append(.kernel(kernel, operands, node: node))
      case .reorder(let reorder): actions.append(.reorder(reorder, operands))
      case .observe(let observation): actions.append(.observe(observation, operands))
      }
    }
    return ExecutionPlan(
      actions: actions, fedSlots: fedSlots, table: table.entries,
      retained: retained + [layout.arena], arenaByteCount: layout.arena.byteCount)
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
