import DNNEngine
import GraphIR
import TensorCore

/// Runs a graph, for any shapes of its inputs that its operators accept.
///
/// The first run for a set of input shapes and results compiles a plan; later ones with the same shapes
/// allocate nothing but the tensors they return. Where a shape or a branch follows from values, a run goes in stages
/// (``Stage``). Not safe to run from two threads at once.
package final class Session {
  /// What a session may do beyond running node by node.
  package struct Options: Sendable, Hashable {
    /// Joins nodes into one pass where what stands between isn't asked for.
    package var fusesNodes: Bool
    /// Folds normalizations into convolutions, which changes results in their last bits; `nil` for graphs
    /// without quantizers, whose integers such bits can move.
    package var foldsNormalization: Bool?
    /// Compiled plans kept, for as many different shapes.
    package var planLimit: Int

    /// Computes the same bits with any number of threads, which may be slower.
    package var isReproducible: Bool

    package init(
      fusesNodes: Bool = true, foldsNormalization: Bool? = nil, planLimit: Int = 4,
      isReproducible: Bool = false
    ) {
      self.isReproducible = isReproducible
      self.fusesNodes = fusesNodes
      self.foldsNormalization = foldsNormalization
      self.planLimit = planLimit
    }
  }

  package let graph: Graph
  private let hasControlFlow: Bool
  let options: Options
  private let rules: Fusion.Rules
  private let engine: Engine
  private let cache = ConstantCache()
  private var folded: [ValueID: Tensor] = [:]
  private var programs = ProgramCache()
  /// The most stages that a run took.
  private var stageCount = 0
  /// Whether a run so far had to compute values to find out shapes or branches.
  package var dependsOnData: Bool { stageCount > 0 }
  /// Whether plans may hold for the values of short fed tensors.
  private let holdsForValues: Bool
  /// Whether any does.
  private var dependsOnValues = false
  /// Nodes whose kernels take as constant what this graph computes, so that they are computed by themselves.
  private var alone: [NodeID: ExecutionError] = [:]
  /// The subgraphs of nodes that are computed by themselves.
  var bodies: [NodeID: BodyRunner] = [:]

  /// - Throws: ``ExecutionError`` where the graph is malformed or the engine can't be set up.
  package convenience init(graph: Graph, options: Options = Options()) throws(ExecutionError) {
    try self.init(graph: graph, options: options, holdsForValues: true)
  }

  /// - Parameter holdsForValues: false where such values change with each run, like the number of an iteration.
  init(graph: Graph, options: Options, holdsForValues: Bool) throws(ExecutionError) {
    do { try graph.validate() } catch { throw .graph(error) }
    var graph = graph
    _ = ControlFlowInliner.run(&graph)
    self.graph = graph
    self.options = options
    self.holdsForValues = holdsForValues
    hasControlFlow = graph.nodeIDs.contains { [graph] in
      graph[$0].op is any ControlFlowOperator
    }
    let hasQuantizers = graph.nodeIDs.contains { [graph] in
      graph[$0].op.roundsValues || graph[$0].op.makesCodes
    }
    rules = Fusion.Rules(
      fusesNodes: options.fusesNodes,
      foldsNormalization: options.foldsNormalization ?? !hasQuantizers)
    do { engine = try Engine.shared() } catch { throw .engine(node: nil, error) }
  }

  /// Computes values from fed ones.
  ///
  /// - Parameters:
  ///   - inputs: tensors for the graph's inputs; other values may be fed too, and are then not computed.
  ///   - fetch: any values of the graph.
  /// - Returns: row-major tensors, one for each value to fetch.
  /// - Throws: ``ExecutionError`` where an input is missing, of the wrong type, or of a shape that a node
  ///   refuses, and where a node can't be run.
  package func run(_ inputs: [ValueID: Tensor], fetch: [ValueID]) throws(ExecutionError)
    -> [ValueID: Tensor]
  {
    var results: [ValueID: Tensor] = [:]
    results.reserveCapacity(fetch.count)
    try execute(inputs, results: fetch) { (observation, pointer) throws(ExecutionError) in
      results[observation.value] = observation.tensor(pointer)
    }
    return results
  }

  /// Computes values and shows each to `body` in place, without copying it into a tensor.
  ///
  /// - Parameter body: called with a value, its elements in row-major order, and its shape; the elements
  ///   are there only during the call.
  /// - Throws: as ``run(_:fetch:)``, and ``ExecutionError/notFloat(name:_:)``.
  package func run(
    _ inputs: [ValueID: Tensor], observe: [ValueID],
    _ body: (ValueID, UnsafeBufferPointer<Float>, [Int]) -> Void
  ) throws(ExecutionError) {
    try execute(inputs, results: observe) { (observation, pointer) throws(ExecutionError) in
      guard observation.type.elementType == .float32 else {
        throw .notFloat(
          name: graph[observation.value].name, observation.type.elementType)
      }
      let elements = UnsafeBufferPointer(
        start: pointer.assumingMemoryBound(to: Float.self), count: observation.type.count)
      body(observation.value, elements, observation.type.shape)
    }
  }

  /// The types that values have for such inputs. Only values that decide shapes are computed.
  ///
  /// - Throws: as ``run(_:fetch:)``, as far as it depends on types and constants.
  package func types(of values: [ValueID], for inputs: [ValueID: Tensor]) throws(ExecutionError)
    -> [ValueID: ConcreteType]
  {
    try check(inputs)
    var inputs = inputs.mapValues(\.aligned)
    var types: [ValueID: ConcreteType] = [:]
    while true {
      var key = try key(inputs, results: values)
      var (_, inference) = try infer(key)
      if !inference.undecided.isEmpty {
        key.values = shortValues(inputs)
        inference = try infer(key).inference
      }
      types.merge(inference.types) { _, new in new }
      if inference.undecided.isEmpty { return types.filter { values.contains($0.key) } }
      try compute(Stage(key, inference, in: graph), &inputs)
    }
  }

  private func execute(
    _ inputs: [ValueID: Tensor], results: [ValueID],
    _ observe: (ExecutionPlan.Observation, UnsafeRawPointer) throws(ExecutionError) -> Void
  ) throws(ExecutionError) {
    try check(inputs)
    try executeStages(inputs.mapValues(\.aligned), results: results, observe)
  }

  /// ``execute`` for tensors that fit, of which some may be what an earlier stage computed.
  func executeStages(
    _ inputs: [ValueID: Tensor], results: [ValueID],
    _ observe: (ExecutionPlan.Observation, UnsafeRawPointer) throws(ExecutionError) -> Void
  ) throws(ExecutionError) {
    var inputs = inputs
    var stages = 0
    while true {
      switch try program(try key(inputs, results: results), inputs) {
      case .plan(let plan):
        Engine.applyThreadCount()
        return try plan.run(inputs, observe: observe)
      case .stage(let stage):
        stages += 1
        stageCount = max(stageCount, stages)
        try compute(stage, &inputs)
      case .forValues: return
      }
    }
  }

  private func key(_ inputs: [ValueID: Tensor], results: [ValueID]) throws(ExecutionError)
    -> PlanKey
  {
    for value in results where !graph.contains(value) {
      throw .notComputable(name: "(not in this graph)")
    }
    return PlanKey(inputs, results: results)
  }

  private func shortValues(_ inputs: [ValueID: Tensor]) -> [ValueID: Tensor] {
    holdsForValues ? PlanKey.shortValues(inputs) : [:]
  }

  /// The program for a key, made unless an earlier run left it.
  private func program(_ key: PlanKey, _ inputs: [ValueID: Tensor]) throws(ExecutionError)
    -> Program
  {
    let program: Program
    if let found = programs.find(key) {
      program = found
    } else {
      program = try makeProgram(key, inputs)
      // Each stage has a plan of its own, and what holds for values stands behind an entry without them.
      let perRun = (1 + 2 * stageCount) * (dependsOnValues ? 2 : 1)
      programs.add(program, for: key, limit: max(options.planLimit, 1) * perRun)
    }
    guard case .forValues = program else { return program }
    var key = key
    key.values = shortValues(inputs)
    return try self.program(key, inputs)
  }

  private func makeProgram(_ key: PlanKey, _ inputs: [ValueID: Tensor]) throws(ExecutionError)
    -> Program
  {
    let mayHoldForValues = key.values.isEmpty && !shortValues(inputs).isEmpty
    let (specialized, inference) = try infer(key)
    if inference.undecided.isEmpty {
      do throws(ExecutionError) {
        return .plan(try compile(key, specialized, inference))
      } catch {
        // A kernel asks for a constant where the shapes alone don't.
        guard error.asksForValues, case .node(let name, _, _) = error,
          let node = graph.node(named: name), alone[node] == nil
        else { throw error }
        if !mayHoldForValues {
          alone[node] = error
          return try makeProgram(key, inputs)
        }
      }
    }
    guard mayHoldForValues else { return .stage(Stage(key, inference, in: graph)) }
    dependsOnValues = true
    return .forValues
  }

  /// - Parameter specialized: the graph for the fed shapes alone, where it isn't this session's own.
  private func compile(_ key: PlanKey, _ specialized: Graph?, _ inference: ConcreteInference)
    throws(ExecutionError) -> ExecutionPlan
  {
    let cache = specialized == nil ? cache : ConstantCache(sharing: cache)
    let graph = specialized ?? graph
    if specialized == nil { folded.merge(inference.folded) { old, _ in old } }
    Engine.applyThreadCount()
    var compiler = PlanCompiler(
      graph, engine: engine, inference: inference, form: .floats, cache: cache,
      options: KernelOptions(isReproducible: options.isReproducible))
    return try compiler.compile(
      fed: key.fed, results: key.results,
      items: Fusion(graph, inference, results: key.results, rules: rules, cache: cache).items)
  }

  /// All types and constants of a plan.
  ///
  /// - Returns: the graph with the branches that fed shapes and values decide, where these are all that the plan needs;
  ///   `nil` where it is this session's own.
  private func infer(_ key: PlanKey) throws(ExecutionError)
    -> (specialized: Graph?, inference: ConcreteInference)
  {
    let fed = Dictionary(uniqueKeysWithValues: zip(key.fed, key.types))
    let own = try ConcreteInference(
      graph, fed: fed, results: key.results, known: folded, values: key.values, alone: alone)
    guard hasControlFlow else { return (nil, own) }
    var specialized = graph
    var inference = own
    while !inference.undecided.isEmpty {
      specialized.state(inference)
      guard !ControlFlowInliner.run(&specialized).isEmpty else { return (nil, own) }
      inference = try ConcreteInference(
        specialized, fed: fed, results: key.results, known: folded, values: key.values,
        alone: alone, original: graph)
    }
    return own.undecided.isEmpty ? (nil, own) : (specialized, inference)
  }

  /// Holds that fed tensors are what the graph says.
  private func check(_ inputs: [ValueID: Tensor]) throws(ExecutionError) {
    for value in inputs.keys.sorted() {
      if let tensor = inputs[value] { try check(value, tensor) }
    }
  }

  /// Element type and rank must be those of the graph; sizes may differ, and nodes refuse what doesn't fit.
  private func check(_ value: ValueID, _ tensor: Tensor) throws(ExecutionError) {
    guard graph.contains(value) else { throw .notComputable(name: "(not in this graph)") }
    guard let expected = graph[value].type else { return }
    guard expected.elementType == tensor.elementType,
      expected.rank == nil || expected.rank == tensor.rank
    else {
      throw .inputType(name: graph[value].name, expected: expected, actual: tensor.type)
    }
  }
}
