import DNNEngine
import GraphIR
import TensorCore

/// Turns a graph into an ``ExecutionPlan``: chooses layouts, inserts reorders, places buffers.
///
/// Layouts are decided once, in topological order: a kernel is told the layout in which each input
/// stands, states the one that it wants, and gets a reordered copy where they differ. Copies are shared
/// by all kernels that want the same one.
struct PlanCompiler {
  /// Where bytes come from.
  enum Buffer {
    case fed(ValueID)
    case constant(UnsafeMutableRawPointer)
    /// Intermediate memory of that size.
    case arena(byteCount: Int)
  }

  /// A value in memory.
  struct Location {
    var buffer: Int
    var layout: TensorLayout
  }

  /// A step before addresses are known; operands are buffer indices.
  struct Step {
    enum Work {
      case kernel(any Kernel, NodeID)
      case reorder(Reorder)
      case observe(ExecutionPlan.Observation)
    }
    var work: Work
    var inputs: [Int?]
    var outputs: [Int?]
  }

  private struct CopyKey: Hashable {
    var value: ValueID
    var request: InputRequest
  }

  let graph: Graph
  let engine: Engine
  let inference: ConcreteInference
  let cache: ConstantCache
  let isReproducible: Bool
  private(set) var buffers: [Buffer] = []
  private(set) var steps: [Step] = []
  private(set) var retained: [AnyObject] = []
  private var locations: [ValueID: Location] = [:]
  private var copies: [CopyKey: Int] = [:]

  init(
    _ graph: Graph, engine: Engine, inference: ConcreteInference, cache: ConstantCache,
    isReproducible: Bool
  ) {
    self.isReproducible = isReproducible
    self.graph = graph
    self.engine = engine
    self.inference = inference
    self.cache = cache
  }

  /// - Parameters:
  ///   - fed: the values that the caller gives.
  ///   - results: the values to observe, each of them once.
  ///   - fusion: the nodes to run, joined where that gives the same results.
  mutating func compile(fed: [ValueID], results: [ValueID], fusion: Fusion)
    throws(ExecutionError) -> ExecutionPlan
  {
    for value in fed {
      buffers.append(.fed(value))
      locations[value] = Location(buffer: buffers.count - 1, layout: .rowMajor)
    }
    let wanted = Set(results)
    for value in results where locations[value] != nil || inference.constants[value] != nil {
      try observe(value)
    }
    for item in fusion.items {
      try add(item)
      for case let output? in item.outputs where wanted.contains(output) { try observe(output) }
    }
    return try layOut()
  }

  // MARK: Steps

  private mutating func add(_ item: Fusion.Item) throws(ExecutionError) {
    let node = graph[item.node]
    let outputs = item.outputs.map { $0.flatMap { inference.types[$0] } }
    if outputs.allSatisfy({ $0 == nil || $0?.count == 0 }) {
      // Nothing to compute; the values still need a place to be observed at.
      for case let output? in item.outputs {
        buffers.append(.arena(byteCount: 0))
        locations[output] = Location(buffer: buffers.count - 1, layout: .rowMajor)
      }
      return
    }
    let inputs = item.inputs.map { $0.flatMap(describe) }
    let used = zip(item.outputs, outputs).map { value, type in
      value.flatMap { item.isRead($0) ? type : nil }
    }
    let context = KernelContext(
      engine: engine, inputs: inputs, outputs: used, epilogue: item.epilogue,
      isReproducible: isReproducible)
    do throws(KernelError) {
      guard let op = node.op as? any ExecutableOperator else {
        throw KernelError.operator(.unsupported(what: "operator '\(node.op.type)'"))
      }
      try context.checkOutputs()
      let kernel = try op.makeAnyKernel(context)
      var operands: [Int?] = []
      for (index, source) in item.inputs.enumerated() {
        // A kernel may read fewer inputs than the node has, such as axes that it was made for.
        guard let source, let input = inputs[index], kernel.inputs.indices.contains(index) else {
          operands.append(nil)
          continue
        }
        operands.append(try buffer(of: source, input, as: kernel.inputs[index]))
      }
      var results: [Int?] = []
      for (index, value) in item.outputs.enumerated() {
        guard let value, let type = used[index] else {
          results.append(nil)
          continue
        }
        let layout = try kernel.layout(ofOutput: index)
        if kernel.isView, index == 0, let first = operands[0] {
          locations[value] = Location(buffer: first, layout: layout)
          results.append(first)
          continue
        }
        let bytes = try KernelError.engine { () throws(EngineError) in
          try layout.byteCount(of: type)
        }
        buffers.append(.arena(byteCount: bytes))
        locations[value] = Location(buffer: buffers.count - 1, layout: layout)
        results.append(buffers.count - 1)
      }
      if !kernel.isView {
        steps.append(Step(work: .kernel(kernel, item.node), inputs: operands, outputs: results))
      }
    } catch { throw ExecutionError(error, node) }
  }

  private func describe(_ source: Fusion.Input) -> KernelInput? {
    switch source {
    case .value(let value): describe(value)
    case .constant(let tensor):
      KernelInput(
        type: ConcreteType(tensor.elementType, tensor.shape), layout: .rowMajor, constant: tensor)
    }
  }

  private mutating func buffer(
    of source: Fusion.Input, _ input: KernelInput, as request: InputRequest
  ) throws(KernelError) -> Int {
    switch source {
    case .value(let value): return try buffer(of: value, input, as: request)
    case .constant(let tensor): return try constant(tensor, input, as: request, isLasting: true)
    }
  }

  /// The buffer of a constant in the form that a kernel asks for.
  private mutating func constant(
    _ tensor: Tensor, _ input: KernelInput, as request: InputRequest, isLasting: Bool
  ) throws(KernelError) -> Int {
    let (pointer, owner) = try cache.pointer(
      to: tensor, input, as: request, engine, isLasting: isLasting)
    retained.append(owner)
    buffers.append(.constant(pointer))
    return buffers.count - 1
  }

  private func describe(_ value: ValueID) -> KernelInput? {
    guard let type = inference.types[value] else { return nil }
    return KernelInput(
      type: type, layout: locations[value]?.layout ?? .rowMajor,
      constant: inference.constants[value])
  }

  /// The buffer that holds a value as a kernel asks for it, made by a reorder where needed.
  private mutating func buffer(of value: ValueID, _ input: KernelInput, as request: InputRequest)
    throws(KernelError) -> Int
  {
    let key = CopyKey(value: value, request: request)
    if let existing = copies[key] { return existing }
    let result: Int
    if let constant = input.constant, locations[value] == nil {
      result = try self.constant(
        constant, input, as: request, isLasting: inference.isLasting(value))
    } else {
      guard let location = locations[value] else {
        throw .operator(.unsupported(what: "a value without a place"))
      }
      var input = input
      input.layout = location.layout
      var source = location.buffer
      if case .packed = request, location.layout != .rowMajor {
        source = try buffer(of: value, input, as: .rowMajor)
        input.layout = .rowMajor
      }
      if let reorder = try Reorder(engine, from: input, to: request) {
        buffers.append(.arena(byteCount: reorder.byteCount))
        result = buffers.count - 1
        steps.append(Step(work: .reorder(reorder), inputs: [source], outputs: [result]))
      } else {
        result = source
      }
    }
    copies[key] = result
    return result
  }

  private mutating func observe(_ value: ValueID) throws(ExecutionError) {
    guard let input = describe(value) else { throw .notComputable(name: graph[value].name) }
    do {
      let buffer = try buffer(of: value, input, as: .rowMajor)
      steps.append(
        Step(
          work: .observe(ExecutionPlan.Observation(value: value, type: input.type)),
          inputs: [buffer], outputs: []))
    } catch {
      switch error {
      case .engine(let error): throw .engine(node: nil, error)
      case .operator, .quantizer: throw .notComputable(name: graph[value].name)
      }
    }
  }
}
