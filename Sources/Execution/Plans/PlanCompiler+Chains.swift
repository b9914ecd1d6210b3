import DNNEngine
import GraphIR

extension PlanCompiler {
  /// A compiler for a graph whose element-wise steps are joined into chains, with the nodes to run.
  ///
  /// - Parameter fed: the types of what the caller gives.
  static func joiningChains(
    of graph: Graph, engine: Engine, fed: [ValueID: ConcreteType], output: ValueID,
    parameters: [ValueID: ParameterMemory], options: KernelOptions
  ) throws(ExecutionError) -> (compiler: PlanCompiler, items: [Fusion.Item]) {
    var types = fed
    for (value, memory) in parameters { types[value] = ConcreteType(.float32, memory.shape) }
    let shapes = try ConcreteInference(graph, fed: types, results: [output], known: [:])
    try shapes.requireDecided()
    var fusion = ChainFusion(graph, types: shapes.types, parameters: Set(parameters.keys))
    let joined: Graph
    do { joined = try fusion.run() } catch { throw .graph(error) }
    let inference = try ConcreteInference(joined, fed: types, results: [output], known: [:])
    try inference.requireDecided()
    Engine.applyThreadCount()
    let compiler = PlanCompiler(
      joined, engine: engine, inference: inference, form: .floatsOrIntegers,
      parameters: parameters, options: options)
    let nodes = Fusion(
      joined, inference, results: [output], rules: .none, cache: compiler.cache)
    return (compiler, nodes.items)
  }
}
