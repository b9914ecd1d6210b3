import DNNEngine
import GraphIR
import TensorCore

extension TrainingPlanCompiler {
  /// Gives every buffer an address and every step its operands.
  ///
  /// - Parameter loss: the step at which the caller reads the output and writes its gradient.
  func layOut(loss: Int, output: ConcreteType) throws(ExecutionError) -> TrainingPlan {
    var lifetimes = ArenaLayout.lifetimes(
      steps.map { $0.inputs + $0.outputs }, count: buffers.count)
    // What is computed once must outlive the run that does it.
    for buffer in constant where !trains { lifetimes[buffer] = 0...steps.count }
    let layout = try ArenaLayout(
      byteCounts: buffers.map { buffer in
        if case .arena(let byteCount) = buffer { byteCount } else { nil }
      }, lifetimes: lifetimes)
    var table = OperandTable(capacity: steps.reduce(0) { $0 + $1.inputs.count + $1.outputs.count })
    var fedSlots: [TrainingPlan.FedSlot] = []
    var labels: [String] = []
    var actions: [TrainingPlan.Action] = []
    for step in steps {
      let entries = table.entries
      let operands = table.append(inputs: step.inputs, outputs: step.outputs) { buffer, entry in
        switch buffers[buffer] {
        case .fed(let value): fedSlots.append(TrainingPlan.FedSlot(value: value, slot: entry))
        case .fixed(let pointer): entries[entry] = pointer
        case .arena: entries[entry] = layout.address(buffer)
        }
      }
      let label = labels.firstIndex(of: step.label) ?? labels.count
      if label == labels.count { labels.append(step.label) }
      actions.append(
        TrainingPlan.Action(body: step.body, operands: operands, node: step.node, label: label))
    }
    let ends = actions[loss].operands
    let forward = zip(steps, actions).prefix(loss)
    return TrainingPlan(
      graph: graph, once: forward.filter(\.0.isConstant).map(\.1),
      forward: forward.filter { !$0.0.isConstant }.map(\.1),
      backward: Array(actions[(loss + 1)...]), fedSlots: fedSlots, table: table.entries,
      retained: retained + [layout.arena], labels: labels,
      output: TrainingPlan.Output(
        shape: output.shape,
        values: UnsafeMutablePointer(mutating: ends.input(0, as: Float.self)),
        gradient: ends.outputs[0]?.assumingMemoryBound(to: Float.self)),
      arenaByteCount: layout.arena.byteCount)
  }
}
