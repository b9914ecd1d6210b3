import DNNEngine
import GraphIR
import TensorCore

/// Runs a quantized graph on the integers that it stands for: exact sums of products of 8-bit integers, scales
/// outside the sums, and each chain of element-wise steps in one pass.
///
/// Results equal those of a ``Session`` up to the rounding of floats, which can move a value from one side of
/// a quantizer's tie to the other. Not safe to run from two threads at once.
package final class IntegerSession {
  private let graph: Graph
  private let output: ValueID
  private let engine: Engine
  private let weights: [ValueID: ParameterMemory]
  private let tensors: [Tensor]
  private var plans: [[ConcreteType]: ExecutionPlan] = [:]

  /// `nil` where the CPU adds products of 8-bit integers only with saturation.
  ///
  /// - Parameters:
  ///   - graph: with integers where they can be multiplied, and a first output.
  ///   - weights: constants that only tell the shapes of ``IntegerWeight``s; they are not folded away.
  package init?(integers graph: Graph, weights: [ValueID]) {
    guard let output = graph.outputs.first, let engine = try? Engine.shared(),
      engine.addsIntegersExactly
    else { return nil }
    self.graph = graph
    self.output = output
    self.engine = engine
    var memory: [ValueID: ParameterMemory] = [:]
    var tensors: [Tensor] = []
    for value in weights {
      guard let tensor = graph[value].constant?.aligned,
        let bytes = tensor.storage.bytes.baseAddress
      else { return nil }
      tensors.append(tensor)
      // Nothing writes there: these parameters have no gradient, and only tell shapes.
      let values = UnsafeMutablePointer(mutating: bytes.assumingMemoryBound(to: Float.self))
      memory[value] = ParameterMemory(shape: tensor.shape, values: values, gradient: nil)
    }
    self.weights = memory
    self.tensors = tensors
  }

  /// Computes the graph's first output.
  ///
  /// - Returns: a row-major tensor of 32-bit floats.
  /// - Throws: ``ExecutionError`` where a node can't be run in this way; a ``Session`` may still run it.
  package func run(_ inputs: [ValueID: Tensor]) throws(ExecutionError) -> Tensor {
    let inputs = inputs.mapValues(\.aligned)
    let plan = try plan(for: inputs)
    Engine.applyThreadCount()
    var result: Tensor?
    try plan.run(inputs) { observation, pointer in
      let shape = observation.type.shape
      let values = UnsafeBufferPointer(
        start: pointer.assumingMemoryBound(to: Float.self), count: observation.type.count)
      result = Tensor(Array(values), shape: shape)
    }
    guard let result else { throw .notComputable(name: graph[output].name) }
    return result
  }

  private func plan(for inputs: [ValueID: Tensor]) throws(ExecutionError) -> ExecutionPlan {
    let fed = inputs.keys.sorted()
    let key = fed.compactMap { inputs[$0].map { ConcreteType($0.elementType, $0.shape) } }
    if let plan = plans[key] { return plan }
    var (compiler, items) = try PlanCompiler.joiningChains(
      of: graph, engine: engine, fed: Dictionary(uniqueKeysWithValues: zip(fed, key)),
      output: output, parameters: weights, options: KernelOptions(freezesNormalization: true))
    guard compiler.inference.types[output]?.elementType == .float32 else {
      throw .notComputable(name: graph[output].name)
    }
    let plan = try compiler.compile(fed: fed, results: [output], items: items)
    // A data set of images has few shapes or very many; plans of the latter aren't worth keeping.
    if plans.count >= 4 { plans = [:] }
    plans[key] = plan
    return plan
  }
}
