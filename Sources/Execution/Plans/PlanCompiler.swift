import DNNEngine
import GraphIR
import TensorCore

/// Turns a graph into an ``ExecutionPlan``: chooses layouts and forms, inserts reorders, places buffers.
///
/// 1. Forward in topological order: a kernel is told in which layouts and forms its inputs stand, states
///    what it wants, and gets a reordered copy where they differ, shared by all that want the same.
/// 2. Backward in the opposite order, where something is trained: each kernel's second half is made when the layouts
///    of its outputs' gradients are known. Gradients that meet at a value are added.
/// 3. All buffers are placed in one arena by the steps between which they live.
struct PlanCompiler {
  /// How values may stand between nodes.
  enum Form: Sendable {
    /// As floats, or whatever element type the graph says, in one buffer: kernels of ``ExecutableOperator``.
    case floats
    /// As floats or as integers with their scales: kernels of ``FormOperator`` where there are any.
    case floatsOrIntegers
  }

  /// A node's kernel with the places of its operands, for the backward half.
  struct Placed {
    var node: NodeID
    var kernel: any TrainingKernel
    var inputs: [FormInput?]
    var kept: [Int]
  }

  struct CopyKey: Hashable {
    var value: ValueID
    var request: FormRequest
  }

  let graph: Graph
  let engine: Engine
  let inference: ConcreteInference
  let form: Form
  let cache: ConstantCache
  let parameters: [ValueID: ParameterMemory]
  let options: KernelOptions
  private(set) var buffers: [PlanBuffer] = []
  private(set) var steps: [PlanStep] = []
  var retained: [AnyObject] = []
  var locations: [ValueID: Location] = [:]
  var integerLocations: [ValueID: IntegerLocation] = [:]
  var copies: [CopyKey: [Int?]] = [:]
  /// Values behind which something is trained.
  var trained: Set<ValueID> = []
  /// Layouts in which the producers of values would like their gradients.
  var preferred: [ValueID: TensorLayout] = [:]
  var placed: [Placed] = []
  /// Buffers that no run changes, where nothing is trained.
  private(set) var constant: Set<Int> = []
  var gradients: [ValueID: Location] = [:]

  /// Whether anything is trained.
  var trains: Bool { !trained.isEmpty }

  /// - Parameters:
  ///   - cache: shared by the plans of a session.
  ///   - parameters: memory of constants that may change between runs where they have gradients.
  init(
    _ graph: Graph, engine: Engine, inference: ConcreteInference, form: Form,
    cache: ConstantCache = ConstantCache(), parameters: [ValueID: ParameterMemory] = [:],
    options: KernelOptions
  ) {
    self.graph = graph
    self.engine = engine
    self.inference = inference
    self.form = form
    self.cache = cache
    self.parameters = parameters
    self.options = options
  }

  /// The plan of a forward run.
  ///
  /// - Parameters:
  ///   - fed: the values that the caller gives at each run.
  ///   - results: the values to observe, each of them once, as soon as they are computed.
  ///   - items: the nodes to run.
  mutating func compile(fed: [ValueID], results: [ValueID], items: [Fusion.Item])
    throws(ExecutionError) -> ExecutionPlan
  {
    try addForward(fed: fed, items: items, observed: results)
    return try layOut().plan
  }

  /// Adds the steps of all items, and places what is there before them.
  mutating func addForward(fed: [ValueID], items: [Fusion.Item], observed: [ValueID] = [])
    throws(ExecutionError)
  {
    for value in fed {
      locations[value] = Location(buffer: add(.fed(value)), layout: .rowMajor)
    }
    for value in parameters.keys.sorted() {
      guard let memory = parameters[value] else { continue }
      locations[value] = Location(
        buffer: add(.fixed(UnsafeMutableRawPointer(memory.values))), layout: .rowMajor)
      if memory.gradient != nil { trained.insert(value) }
    }
    for value in observed where locations[value] != nil || inference.constants[value] != nil {
      try observe(value)
    }
    let wanted = Set(observed)
    for item in items {
      try add(item)
      for case let output? in item.outputs where wanted.contains(output) { try observe(output) }
    }
  }

  /// Adds a step, which runs once where all that it reads is constant.
  mutating func append(_ step: PlanStep) {
    var step = step
    step.isConstant =
      !trains && !step.outputs.isEmpty
      && step.inputs.allSatisfy { $0.map(constant.contains) ?? true }
    if step.isConstant { constant.formUnion(step.outputs.compactMap { $0 }) }
    steps.append(step)
  }

  mutating func add(_ buffer: PlanBuffer) -> Int {
    if case .fixed = buffer { constant.insert(buffers.count) }
    buffers.append(buffer)
    return buffers.count - 1
  }

  func bytes(of type: ConcreteType, in layout: TensorLayout = .rowMajor) throws(KernelError) -> Int
  {
    try KernelError.engine(try layout.byteCount(of: type))
  }

  private mutating func observe(_ value: ValueID) throws(ExecutionError) {
    guard let type = inference.types[value] else { throw .notComputable(name: graph[value].name) }
    do {
      let buffer = try floats(of: value, as: .rowMajor)
      append(PlanStep(observing: ExecutionPlan.Observation(value: value, type: type), in: buffer))
    } catch { throw ExecutionError(error, name: graph[value].name) }
  }
}
