import DNNEngine
import GraphIR
import TensorCore

/// Runs a quantized graph on the integers that it stands for: exact sums of products of 8-bit integers, scales
/// outside the sums, and each chain of element-wise steps in one pass.
///
/// Results equal those of a ``Session`` up to the rounding of floats, which can move a value from one side of
/// a quantizer's tie to the other. Not safe to run from two threads at once.
public final class IntegerSession {
  private let graph: Graph
  private let output: ValueID
  private let engine: Engine
  private let weights: [ValueID: ParameterMemory]
  private let tensors: [Tensor]
  private var plans: [[ConcreteType]: TrainingPlan] = [:]

  /// `nil` where no convolution of the graph multiplies integers, or the CPU adds their products only with
  /// saturation.
  public init?(graph: Graph) {
    guard let lowering = IntegerLowering(graph), let output = lowering.graph.outputs.first,
      let engine = try? Engine.shared(), engine.addsIntegersExactly
    else { return nil }
    self.graph = lowering.graph
    self.output = output
    self.engine = engine
    var memory: [ValueID: ParameterMemory] = [:]
    var tensors: [Tensor] = []
    for value in lowering.weights {
      guard let tensor = lowering.graph[value].constant?.aligned,
        let bytes = tensor.storage.bytes.baseAddress
      else { return nil }
      tensors.append(tensor)
      // Nothing writes there: these parameters have no gradient, and only tell shapes.
      let values = UnsafeMutablePointer(mutating: bytes.assumingMemoryBound(to: Float.self))
      memory[value] = ParameterMemory(shape: tensor.shape, values: values, gradient: nil)
    }
    weights = memory
    self.tensors = tensors
  }

  /// Computes the graph's first output.
  ///
  /// - Returns: a row-major tensor of 32-bit floats.
  /// - Throws: ``ExecutionError`` where a node can't be run in this way; a ``Session`` may still run it.
  public func run(_ inputs: [ValueID: Tensor]) throws(ExecutionError) -> Tensor {
    let inputs = inputs.mapValues(\.aligned)
    let plan = try plan(for: inputs)
    try plan.forward(inputs)
    let result = plan.output
    return withExtendedLifetime(inputs) {
      Tensor(
        Array(UnsafeBufferPointer(start: result.values, count: result.count)), shape: result.shape)
    }
  }

  private func plan(for inputs: [ValueID: Tensor]) throws(ExecutionError) -> TrainingPlan {
    let fed = inputs.keys.sorted()
    let key = fed.compactMap { inputs[$0].map { ConcreteType($0.elementType, $0.shape) } }
    if let plan = plans[key] { return plan }
    var types = Dictionary(uniqueKeysWithValues: zip(fed, key))
    for (value, memory) in weights { types[value] = ConcreteType(.float32, memory.shape) }
    let shapes = try ConcreteInference(graph, fed: types, results: [output], known: [:])
    var fusion = ChainFusion(graph, types: shapes.types, parameters: [])
    let fused: Graph
    do { fused = try fusion.run() } catch { throw .graph(error) }
    let inference = try ConcreteInference(fused, fed: types, results: [output], known: [:])
    Engine.applyThreadCount()
    var compiler = TrainingPlanCompiler(
      graph: fused, engine: engine, inference: inference, parameters: weights,
      options: TrainingOptions(freezesNormalization: true))
    let plan = try compiler.compileForward(fed: fed, output: output)
    // A data set of images has few shapes or very many; plans of the latter aren't worth keeping.
    if plans.count >= 4 { plans = [:] }
    plans[key] = plan
    return plan
  }
}
