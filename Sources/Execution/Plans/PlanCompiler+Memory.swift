import DNNEngine
import GraphIR
import TensorCore

extension PlanCompiler {
  /// Gives every buffer an address and every step its operands.
  ///
  /// - Parameter loss: the step at which the caller reads the output and writes its gradient: it runs nothing, and
  ///   parts forward from backward. `nil` for a plan without a backward half.
  /// - Returns: the plan, and the operands of each step.
  func layOut(loss: Int? = nil) throws(ExecutionError) -> (plan: ExecutionPlan, [Operands]) {
    var lifetimes = ArenaLayout.lifetimes(
      steps.map { $0.inputs + $0.outputs }, count: buffers.count)
    // What is computed once must outlive the run that does it.
    for buffer in constant where !trains { lifetimes[buffer] = 0...steps.count }
    let roots = shareMemory(&lifetimes)
    let layout = try ArenaLayout(
      byteCounts: buffers.indices.map { index in
        guard case .arena(let byteCount) = buffers[index], roots[index] == index else { return nil }
        return byteCount
      }, lifetimes: lifetimes)
    var table = OperandTable(capacity: steps.reduce(0) { $0 + $1.inputs.count + $1.outputs.count })
    var fedSlots: [ExecutionPlan.FedSlot] = []
    var labels: [String] = []
    var actions: [ExecutionPlan.Action] = []
    for step in steps {
      let entries = table.entries.elements
      let operands = table.append(inputs: step.inputs, outputs: step.outputs) { buffer, entry in
        switch buffers[roots[buffer]] {
        case .fed(let value): fedSlots.append(ExecutionPlan.FedSlot(value: value, slot: entry))
        case .fixed(let pointer): entries[entry] = pointer
        case .arena: entries[entry] = layout.address(roots[buffer])
        }
      }
      let label = labels.firstIndex(of: step.label) ?? labels.count
      if label == labels.count { labels.append(step.label) }
      actions.append(
        ExecutionPlan.Action(work: step.work, operands: operands, node: step.node, label: label))
    }
    let forward = zip(steps, actions).prefix(loss ?? steps.count)
    let plan = ExecutionPlan(
      graph: graph,
      actions: ExecutionPlan.Actions(
        once: forward.filter(\.0.isConstant).map(\.1),
        forward: forward.filter { !$0.0.isConstant }.map(\.1),
        backward: loss.map { Array(actions[($0 + 1)...]) } ?? []),
      fedSlots: fedSlots, table: table.entries, retained: retained + [layout.arena],
      labels: labels, arenaByteCount: layout.arena.byteCount)
    return (plan, actions.map(\.operands))
  }

  /// Lets an output take over the memory of an input that no later step reads.
  ///
  /// - Returns: for each buffer the one whose memory it uses.
  private func shareMemory(_ lifetimes: inout [ClosedRange<Int>?]) -> [Int] {
    var roots = Array(buffers.indices)
    for (position, step) in steps.enumerated() {
      guard let input = step.overwritableInput, case let source? = step.inputs[input],
        case let result?? = step.outputs.first
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
