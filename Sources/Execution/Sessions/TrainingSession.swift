import DNNEngine
import GraphIR
import TensorCore

/// Compiles a graph for training, for any number of samples that its nodes accept.
///
/// A plan a batch shape is kept, so that a last smaller batch compiles once.
package final class TrainingSession {
  package let graph: Graph
  private let parameters: [ValueID: ParameterMemory]
  private let options: KernelOptions
  private let engine: Engine
  private var plans: [[ConcreteType]: TrainingPlan] = [:]

  /// - Parameters:
  ///   - graph: with a first output of 32-bit floats.
  ///   - parameters: memory for constants of the graph that training reads and changes; it must outlive this.
  /// - Throws: ``ExecutionError`` where the graph is malformed or the engine can't be set up.
  package init(
    graph: Graph, parameters: [ValueID: ParameterMemory],
    options: KernelOptions = KernelOptions()
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
  package func plan(for inputs: [ValueID: ConcreteType]) throws(ExecutionError) -> TrainingPlan {
    let fed = inputs.keys.sorted()
    let key = fed.compactMap { inputs[$0] }
    if let plan = plans[key] { return plan }
    guard let output = graph.outputs.first else { throw .notComputable(name: "(no output)") }
    var (compiler, items) = try PlanCompiler.joiningChains(
      of: graph, engine: engine, fed: inputs, output: output, parameters: parameters,
      options: options)
    let plan = try compiler.compileTraining(fed: fed, output: output, items: items)
    plans[key] = plan
    return plan
  }
}
