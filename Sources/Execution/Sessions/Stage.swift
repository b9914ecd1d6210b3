import GraphIR
import TensorCore

/// A part of a run, after which more is known of shapes.
///
/// Where a shape, or which branch is taken, follows from values, the nodes in question (``ConcreteInference/undecided``)
/// are computed by themselves: all that they read by a plan of its own, then the nodes. Their results are fed to the rest of
/// the graph, with all else that the plan computed and the rest reads, so that nothing is computed twice.
///
/// 1. `y = Slice(x, Cast(Gather(x)))`: a plan gives x and the cast's result, the Slice is computed, y is fed.
/// 2. `z = If(c)`: a plan gives c and what the branches read; the branch runs in a session of its own, and z is fed.
struct Stage {
  /// The nodes to compute, none of which reads what another gives.
  var nodes: [NodeID]
  /// What they read and no caller feeds.
  var operands: [ValueID]
  /// What is computed for them and read later too.
  var kept: [ValueID]

  init(_ key: PlanKey, _ inference: ConcreteInference, in graph: Graph) {
    nodes = inference.undecided.map(\.node)
    let fed = Set(key.fed)
    /// Whether a plan computes a value, rather than its caller or the inference.
    func isComputed(_ value: ValueID) -> Bool {
      !fed.contains(value) && graph[value].constant == nil
    }
    let read = Set(nodes.flatMap { graph[$0].sources })
    operands = read.filter(isComputed).sorted()
    var done = Set(nodes)
    var stack = operands
    var computed: [ValueID] = []
    while let value = stack.popLast() {
      guard isComputed(value), inference.constants[value] == nil,
        let node = graph.producer(of: value), done.insert(node.id).inserted
      else { continue }
      computed += node.outputs.compactMap { $0 }
      stack += node.sources
    }
    let results = Set(key.results)
    kept = computed.filter { value in
      results.contains(value) || graph.consumers(of: value).contains { !done.contains($0) }
    }.sorted()
  }
}

extension Session {
  /// Computes a stage, whose results join what is fed.
  func compute(_ stage: Stage, _ inputs: inout [ValueID: Tensor]) throws(ExecutionError) {
    var values: [ValueID: Tensor] = [:]
    if !(stage.operands.isEmpty && stage.kept.isEmpty) {
      try executeStages(inputs, results: stage.operands + stage.kept) {
        (observation, pointer) throws(ExecutionError) in
        values[observation.value] = observation.tensor(pointer)
      }
    }
    let fed = inputs
    func tensor(_ value: ValueID) -> Tensor? {
      fed[value] ?? values[value] ?? graph[value].constant
    }
    for id in stage.nodes {
      let node = graph[id]
      let results: [Tensor]
      if let op = node.op as? any ControlFlowOperator {
        let runner = bodies[id] ?? BodyRunner(node, in: graph, options: options)
        bodies[id] = runner
        for capture in node.captures { runner.captured[capture.name] = tensor(capture.value) }
        defer { runner.captured = [:] }
        results = try op.run(node, node.inputs.map { $0.flatMap(tensor) }, runner)
      } else {
        do throws(KernelError) {
          results = try ConstantEvaluator.evaluate(
            node.op, inputs: node.inputs.map { $0.flatMap(tensor) },
            outputCount: node.outputs.count)
        } catch { throw ExecutionError(error, node) }
      }
      for (index, output) in node.outputs.enumerated() {
        guard let output else { continue }
        guard index < results.count else { throw .notComputable(name: graph[output].name) }
        inputs[output] = results[index].aligned
      }
    }
    for value in stage.kept { inputs[value] = values[value] }
  }
}

extension Graph {
  /// States what an inference found of the inputs of nodes with subgraphs, so that these can take the nodes' places.
  mutating func state(_ inference: ConcreteInference) {
    for id in inference.undecided.map(\.node) where self[id].op is any ControlFlowOperator {
      for (position, input) in self[id].inputs.enumerated() {
        guard let input else { continue }
        if let constant = inference.constants[input] {
          guard self[input].constant == nil else { continue }
          let value = addConstant(name: self[input].name + "_known", constant)
          setInput(id, position, to: value)
        } else if let type = inference.types[input] {
          self[input].type = TensorType(type.elementType, shape: type.shape)
        }
      }
    }
  }
}
