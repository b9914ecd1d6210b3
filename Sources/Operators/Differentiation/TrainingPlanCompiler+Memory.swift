import DNNEngine
import GraphIR
import TensorCore

extension TrainingPlanCompiler {
  /// Gives every buffer an address and every step its operands.
  ///
  /// - Parameter loss: the step at which the caller reads the output and writes its gradient.
  func layOut(loss: Int, output: ConcreteType) throws(ExecutionError) -> TrainingPlan {
    let lifetimes = lifetimes()
    var requests: [MemoryPlan.Request] = []
    var requestOf = [Int](repeating: -1, count: buffers.count)
    for index in buffers.indices {
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
    func address(_ buffer: Int) -> UnsafeMutableRawPointer? {
      switch buffers[buffer] {
      case .fed: nil
      case .fixed(let pointer): pointer
      case .arena:
        arena.base + (requestOf[buffer] >= 0 ? plan.offsets[requestOf[buffer]] : 0)
      }
    }
    var next = 0
    var fedSlots: [TrainingPlan.FedSlot] = []
    var labels: [String] = []
    var actions: [TrainingPlan.Action] = []
    for step in steps {
      let first = next
      for buffer in step.inputs + step.outputs {
        defer { next += 1 }
        guard let buffer else { continue }
        table[next] = address(buffer)
        if case .fed(let value) = buffers[buffer] {
          fedSlots.append(TrainingPlan.FedSlot(value: value, slot: next))
        }
      }
      let label = labels.firstIndex(of: step.label) ?? labels.count
      if label == labels.count { labels.append(step.label) }
      actions.append(
        TrainingPlan.Action(
          body: step.body,
          operands: Operands(inputs: table + first, outputs: table + first + step.inputs.count),
          node: step.node, label: label))
    }
    let ends = actions[loss].operands
    let forward = zip(steps, actions).prefix(loss)
    return TrainingPlan(
      graph: graph, once: forward.filter(\.0.isConstant).map(\.1),
      forward: forward.filter { !$0.0.isConstant }.map(\.1),
      backward: Array(actions[(loss + 1)...]),
      fedSlots: fedSlots, table: table, retained: retained + [arena], labels: labels,
      output: TrainingPlan.Output(
        shape: output.shape,
        values: UnsafeMutablePointer(mutating: ends.input(0, as: Float.self)),
        gradient: ends.outputs[0]?.assumingMemoryBound(to: Float.self)),
      arenaByteCount: plan.byteCount)
  }

  /// The steps from the first to the last that touch each buffer.
  private func lifetimes() -> [ClosedRange<Int>?] {
    var lifetimes = [ClosedRange<Int>?](repeating: nil, count: buffers.count)
    for (position, step) in steps.enumerated() {
      for case let buffer? in step.inputs + step.outputs {
        let first = lifetimes[buffer]?.lowerBound ?? position
        lifetimes[buffer] = first...position
      }
    }
    // What is computed once must outlive the run that does it.
    for buffer in constant where !trains { lifetimes[buffer] = 0...steps.count }
    return lifetimes
  }
}
