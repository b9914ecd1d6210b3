import DNNEngine
import GraphIR
import TensorCore

/// Compiles a graph for training, for any number of samples that its nodes accept.
///
/// A plan a batch shape is kept, so that a last smaller batch compiles once.
public final class TrainingSession {
  public let graph: Graph
  private let parameters: [ValueID: ParameterMemory]
  private let options: TrainingOptions
  private let engine: Engine
  private var plans: [[ConcreteType]: TrainingPlan] = [:]

  /// - Parameters:
  ///   - graph: with a first output of 32-bit floats.
  ///   - parameters: memory for constants of the graph that training reads and changes; it must outlive this.
  /// - Throws: ``ExecutionError`` where the graph is malformed or the engine can't be set up.
  public init(
    graph: Graph, parameters: [ValueID: ParameterMemory],
    options: TrainingOptions = TrainingOptions()
  ) throws(ExecutionError) {
    self.graph = graph
    self.parameters = parameters
    self.options = options
    do { try graph.validate() } catch { throw .graph(error) }
    do { engine = try Engine.shared() } catch { throw .engine(node: nil, error) }
  }

  /// The plan for fed tensors of these types.
  ///
  /// - Throws: ``ExecutionError`` where a node can't be trained or doesn't accept the shapes, and where nothing
  ///   trained lies behind the output.
  public func plan(for inputs: [ValueID: ConcreteType]) throws(ExecutionError) -> TrainingPlan {
    let fed = inputs.keys.sorted()
    let key = fed.compactMap { inputs[$0] }
    if let plan = plans[key] { return plan }
    guard let output = graph.outputs.first else { throw .notComputable(name: "(no output)") }
    var types = inputs
    for (value, memory) in parameters { types[value] = ConcreteType(.float32, memory.shape) }
    let shapes = try ConcreteInference(graph, fed: types, results: [output], known: [:])
    var fusion = ChainFusion(graph, types: shapes.types, parameters: Set(parameters.keys))
    let fused: Graph
    do { fused = try fusion.run() } catch { throw .graph(error) }
    let inference = try ConcreteInference(fused, fed: types, results: [output], known: [:])
    Engine.applyThreadCount()
    var compiler = TrainingPlanCompiler(
      graph: fused, engine: engine, inference: inference, parameters: parameters, options: options)
    let plan = try compiler.compile(fed: fed, output: output)
    plans[key] = plan
    return plan
  }
}
