import DNNEngine
import GraphIR
import TensorCore

/// Runs a graph, for any shapes of its inputs that its operators accept.
///
/// The first run for a set of input shapes and results compiles a plan; later ones with the same shapes
/// allocate nothing but the tensors they return. Not safe to run from two threads at once.
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

  private struct PlanKey: Hashable {
    var fed: [ValueID]
    var types: [ConcreteType]
    var results: [ValueID]
    /// Fed tensors that the plan holds for.
    var values: [ValueID: Tensor]
  }

  package let graph: Graph
  private let hasControlFlow: Bool
  private let options: Options
  private let rules: Fusion.Rules
  private let engine: Engine
  private let cache = ConstantCache()
  private var folded: [ValueID: Tensor] = [:]
  /// Whether shapes depend on what is fed, so that plans hold for the values of short fed tensors.
  private var dependsOnValues = false
  /// The most recently used plan stands last.
  private var plans: [(key: PlanKey, plan: ExecutionPlan)] = []

  /// - Throws: ``ExecutionError`` where the graph is malformed or the engine can't be set up.
  package init(graph: Graph, options: Options = Options()) throws(ExecutionError) {
    do { try graph.validate() } catch { throw .graph(error) }
    var graph = graph
    _ = ControlFlowInliner.run(&graph)
    self.graph = graph
    self.options = options
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
      let type = observation.type
      let bytes = type.elementType.byteCount(elements: type.count) ?? 0
      let storage = TensorStorage(byteCount: bytes) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: bytes))
      }
      results[observation.value] = Tensor(
        elementType: type.elementType, shape: type.shape, storage: storage)
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

  /// The types that values have for such inputs, found without computing the values.
  ///
  /// - Throws: as ``run(_:fetch:)``, as far as it depends on types and constants.
  package func types(of values: [ValueID], for inputs: [ValueID: Tensor]) throws(ExecutionError)
    -> [ValueID: ConcreteType]
  {
    let (_, inference) = try prepared(inputs, results: values) { (key) throws(ExecutionError) in
      try infer(key)
    }
    return inference.types.filter { values.contains($0.key) }
  }

  private func execute(
    _ inputs: [ValueID: Tensor], results: [ValueID],
    _ observe: (ExecutionPlan.Observation, UnsafeRawPointer) throws(ExecutionError) -> Void
  ) throws(ExecutionError) {
    let inputs = inputs.mapValues(\.aligned)
    let plan = try prepared(inputs, results: results) { (key) throws(ExecutionError) in
      try self.plan(key)
    }
    Engine.applyThreadCount()
    try plan.run(inputs, observe: observe)
  }

  /// What `make` gives for these shapes.
  ///
  /// Where a shape follows from what is fed, such as the target of a Reshape, the result holds for those values
  /// too.
  private func prepared<Result>(
    _ inputs: [ValueID: Tensor], results: [ValueID],
    _ make: (PlanKey) throws(ExecutionError) -> Result
  ) throws(ExecutionError) -> Result {
    let fed = inputs.keys.sorted()
    var types: [ConcreteType] = []
    for value in fed {
      guard let tensor = inputs[value] else { continue }
      try check(value, tensor)
      types.append(ConcreteType(tensor.elementType, tensor.shape))
    }
    var unique: [ValueID] = []
    for value in results where !unique.contains(value) {
      guard graph.contains(value) else { throw .notComputable(name: "(not in this graph)") }
      unique.append(value)
    }
    if !dependsOnValues {
      do {
        return try make(PlanKey(fed: fed, types: types, results: unique, values: [:]))
      } catch {
        guard error.asksForValues else { throw error }
        dependsOnValues = true
      }
    }
    let values = inputs.filter { $0.value.rank <= 1 && $0.value.count <= Self.shortCount }
    return try make(PlanKey(fed: fed, types: types, results: unique, values: values))
  }

  /// Elements of a fed tensor that may say what a shape is.
  private static let shortCount = 1024

  /// The plan for a key, compiled unless an earlier run left it.
  private func plan(_ key: PlanKey) throws(ExecutionError) -> ExecutionPlan {
    if let index = plans.lastIndex(where: { $0.key == key }) {
      if index != plans.count - 1 { plans.append(plans.remove(at: index)) }
      return plans[plans.count - 1].plan
    }
    let (graph, inference) = try infer(key)
    folded.merge(inference.folded) { old, _ in old }
    Engine.applyThreadCount()
    var compiler = PlanCompiler(
      graph, engine: engine, inference: inference, form: .floats, cache: cache,
      options: KernelOptions(isReproducible: options.isReproducible))
    let plan = try compiler.compile(
      fed: key.fed, results: key.results,
      items: Fusion(graph, inference, results: key.results, rules: rules, cache: cache).items)
    if plans.count >= max(options.planLimit, 1) { plans.removeFirst() }
    plans.append((key, plan))
    return plan
  }

  /// All types and constants of a plan, with the graph that they belong to.
  private func infer(_ key: PlanKey) throws(ExecutionError) -> (Graph, ConcreteInference) {
    var graph = graph
    if hasControlFlow {
      for (value, tensor) in key.values where graph[value].producer == nil {
        graph.setConstant(value, tensor)
      }
      _ = ControlFlowInliner.run(&graph)
    }
    let inference = try ConcreteInference(
      graph, fed: Dictionary(uniqueKeysWithValues: zip(key.fed, key.types)), results: key.results,
      known: folded, values: key.values)
    return (graph, inference)
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
